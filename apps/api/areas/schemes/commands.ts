import { schemeAggregate } from '#commands';
import { type SchemeCommand, schemeStream } from '#contexts/schemes';
import { DomainError } from '#kernel';
import { type Organisation, schemeContent, units } from '#read-models/organisation';
import { schemeWarnings } from '#rules';
import { Id, Period, WholeNumber } from '../../fields.js';
import { frozenWarnings, type WarnedAnswer, type Warning } from '../../warnings.js';
import { decideOn, writeCommand, type Writing } from '../../write-command.js';
import { type SchemeBody, tellingMistakes } from './scheme-body.js';

const MAX_VERSION = 1_000_000;

export class VersionPath {
  @Id({ example: 'field-service' })
  schemeId!: string;

  @WholeNumber({ least: 1, most: MAX_VERSION, query: true }, { example: 1 })
  version!: number;
}

export class RetireBody {
  @Period({ example: '2026-06', description: 'The last period in which the version applies' })
  effectiveTo!: string;
}

export const draftScheme = writeCommand((writing, { scheme }: SchemeBody) => {
  const { schemeId, version } = scheme;
  const data = { scheme, draftedBy: writing.call.caller.id };
  // Without an id the decider names it among the other mistakes; the stream is none of anybody's.
  const id = typeof schemeId === 'string' && schemeId !== '' ? schemeId : 'unnamed';
  const path = { schemeId: id, version: typeof version === 'number' ? version : 0 };
  return write(writing, path, { type: 'schemes.DraftScheme', data });
});

export const reviseScheme = writeCommand((writing, body: SchemeBody & VersionPath) => {
  const { scheme, schemeId, version } = body;
  for (const [field, asked] of Object.entries({ schemeId, version })) {
    if (scheme[field] !== asked) throw new DomainError('malformed', { field });
  }
  const data = { scheme, revisedBy: writing.call.caller.id };
  return write(writing, { schemeId, version }, { type: 'schemes.ReviseScheme', data });
});

export const publishScheme = writeCommand((writing, { schemeId, version }: VersionPath) => {
  const data = { schemeId, version, publishedBy: writing.call.caller.id };
  return write(writing, data, { type: 'schemes.PublishScheme', data });
});

export const retireScheme = writeCommand((writing, body: RetireBody & VersionPath) => {
  const { schemeId, version, effectiveTo } = body;
  const data = { schemeId, version, effectiveTo, retiredBy: writing.call.caller.id };
  return write(writing, data, { type: 'schemes.RetireScheme', data });
});

async function write(
  writing: Writing,
  { schemeId, version }: Pick<VersionPath, 'schemeId' | 'version'>,
  command: SchemeCommand,
): Promise<WarnedAnswer> {
  const { organisation } = writing.system.engine;
  const known = knownUnits(await organisation.current());
  const answer = await tellingMistakes(() =>
    decideOn(writing, {
      aggregate: schemeAggregate,
      stream: schemeStream(schemeId),
      id: `${schemeId} ${version}`,
      command,
      facts: () => ({ knowsUnit: (unitId) => known.has(unitId) }),
    }),
  );
  const org = await organisation.current();
  return { ...answer, warnings: warningsAbout(org, { schemeId, version }, command) };
}

function warningsAbout(
  org: Organisation,
  { schemeId, version }: { readonly schemeId: string; readonly version: number },
  command: SchemeCommand,
): readonly Warning[] {
  const scheme = schemeContent(org, schemeId, version);
  if (!scheme) return [];
  if (command.type === 'schemes.RetireScheme') {
    // From the next period on nothing applies any more: only what is frozen stays.
    return frozenWarnings(org, { from: nextPeriod(command.data.effectiveTo) });
  }
  const known = knownUnits(org);
  const { effectiveFrom, effectiveTo = null } = scheme;
  const frozen = frozenWarnings(org, { from: effectiveFrom, to: effectiveTo });
  return [...schemeWarnings(scheme, (unitId) => known.has(unitId)), ...frozen];
}

export function knownUnits(org: Organisation): ReadonlySet<string> {
  return new Set(units(org).map(({ unitId }) => unitId));
}

function nextPeriod(period: string): string {
  const [year = 0, month = 0] = period.split('-').map(Number);
  const [nextYear, next] = month === 12 ? [year + 1, 1] : [year, month + 1];
  return `${String(nextYear).padStart(4, '0')}-${String(next).padStart(2, '0')}`;
}
