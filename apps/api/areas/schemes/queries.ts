import { readFileSync } from 'node:fs';
import { compareCodePoints, DomainError } from '#kernel';
import type { Caller } from '#platform';
import {
  employmentOf,
  memberOf,
  placeFor,
  schemeContent,
  schemeIds,
  schemesOf,
  schemeVersion,
} from '#read-models/organisation';
import {
  type ConsideredScheme,
  considerSchemes,
  parseScheme,
  schemeDiff,
  schemeWarnings,
} from '#rules';
import { requireSight } from '../../authority.js';
import { fromCursor, toCursor } from '../../cursor.js';
import type { ApiSystem } from '../../dependencies.js';
import { Id, Period, WholeNumber } from '../../fields.js';
import { AnyQuery, PageQuery } from '../../queries.js';
import { readOrganisation, readQuery, refuseUnlessReached } from '../../read-query.js';
import { knownUnits, type VersionPath } from './commands.js';
import type { SchemeBody } from './scheme-body.js';
import { type SchemeHistory, versionsOf } from './versions.js';

export class SchemesQuery extends PageQuery {
  @Id({ optional: true, example: 'field-service' })
  schemeId?: string;
}

export class SchemePath {
  @Id({ example: 'field-service' })
  schemeId!: string;
}

export class DiffQuery extends AnyQuery {
  @WholeNumber({ least: 1, most: 1_000_000, query: true }, { example: 1 })
  from!: number;

  @WholeNumber({ least: 1, most: 1_000_000, query: true }, { example: 2 })
  to!: number;
}

export class InForceQuery extends AnyQuery {
  @Id({ example: 'am-001' })
  accountManagerId!: string;

  @Period()
  period!: string;
}

type Asked = { readonly caller: Caller };

/** Drafts are the office's own, and the auditor's to read. */
function seesDrafts({ roles }: Caller): boolean {
  return roles.includes('office') || roles.includes('auditor');
}

/** Versions by scheme and version; a pilot is one whose scope names units. */
export const readSchemes = readQuery(
  async ({ store, engine }: ApiSystem, params: SchemesQuery & Asked) => {
    const { schemeId, cursor, limit, after, caller } = params;
    const position = await store.head();
    refuseUnlessReached(position, after);
    const org = await engine.organisation.current();
    const [fromId, fromVersion] =
      cursor === undefined ? ['', 0] : fromCursor(cursor, ['string', 'number']);
    const ids = schemeIds(org).filter(
      (id) => (schemeId === undefined || id === schemeId) && compareCodePoints(id, fromId) >= 0,
    );
    const items: SchemeHistory[] = [];
    for (const id of ids) {
      const versions = await versionsOf(engine, [id]);
      for (const found of versions.get(id)?.values() ?? []) {
        if (found.state === 'draft' && !seesDrafts(caller)) continue;
        if (id !== fromId || found.version > fromVersion) items.push(found);
      }
      if (items.length > limit) break;
    }
    const page = items.slice(0, limit);
    const last = page.at(-1);
    const isLast = items.length <= limit || !last;
    return {
      position,
      items: page.map(toLine),
      next: isLast ? null : toCursor([last.schemeId, last.version]),
    };
  },
);

function toLine({ scheme, ...history }: SchemeHistory) {
  const { name, effectiveFrom, effectiveTo = null, scope } = scheme;
  return { ...history, name, effectiveFrom, effectiveTo, scope, isPilot: scope.units !== '*' };
}

export const readVersion = readQuery(
  async ({ store, engine }: ApiSystem, params: AnyQuery & VersionPath & Asked) => {
    const { schemeId, version, after, caller } = params;
    const position = await store.head();
    refuseUnlessReached(position, after);
    const versions = (await versionsOf(engine, [schemeId])).get(schemeId);
    const found = versions?.get(version);
    if (!found || (found.state === 'draft' && !seesDrafts(caller))) {
      throw new DomainError('unknown-scheme-version', { schemeId, version });
    }
    const known = knownUnits(await engine.organisation.current());
    const warnings = schemeWarnings(found.scheme, (unitId) => known.has(unitId));
    // Commands are held against the stream, whose versions share one count.
    const revision = Math.max(...[...(versions?.values() ?? [])].map((one) => one.revision));
    return { position, ...found, revision, warnings };
  },
);

export const readDiff = readOrganisation((org, params: DiffQuery & SchemePath & Asked) => {
  const { schemeId, from, to, caller } = params;
  const [before, after] = [from, to].map((version) => {
    const scheme = seesDrafts(caller)
      ? schemeContent(org, schemeId, version)
      : schemeVersion(org, schemeId, version);
    if (!scheme) throw new DomainError('unknown-scheme-version', { schemeId, version });
    return scheme;
  });
  return { schemeId, from, to, items: before && after ? schemeDiff(before, after) : [] };
});

export const readInForce = readOrganisation(
  (org, { accountManagerId, period, caller }: InForceQuery & Asked) => {
    requireSight(org, caller, accountManagerId);
    const place = placeFor(org, accountManagerId, period);
    if (!place || !employmentOf(org, accountManagerId)) {
      throw new DomainError('unknown-account-manager', { accountManagerId });
    }
    const considered = considerSchemes(schemesOf(org, period), place, period);
    const [first] = considered;
    return {
      accountManagerId,
      period,
      unitPath: place.unitPath,
      personPosition: place.position,
      isInCohort: memberOf(org, accountManagerId, period) !== null,
      inForce: first?.verdict === 'in-force' ? toConsidered(first) : null,
      others: considered.filter(({ verdict }) => verdict !== 'in-force').map(toConsidered),
    };
  },
);

function toConsidered({ scheme, verdict, unitDistance }: ConsideredScheme) {
  const { schemeId, version, name, effectiveFrom, effectiveTo = null, scope } = scheme;
  return { schemeId, version, name, effectiveFrom, effectiveTo, scope, verdict, unitDistance };
}

const SCHEMA_FILE = new URL('../../../../libs/rules/scheme.schema.json', import.meta.url);

/** The JSON Schema of a scheme file; the rules across fields are told by `validate` alone. */
export const readSchema = readQuery<AnyQuery, { schema: object }>(async ({ store }) => {
  schema ??= JSON.parse(readFileSync(SCHEMA_FILE, 'utf8')) as object;
  return { position: await store.head(), schema };
});
let schema: object | null = null;

/** Every mistake and every warning; nothing is written. */
export const validateScheme = readOrganisation((org, { scheme: json }: SchemeBody & AnyQuery) => {
  const { scheme, mistakes = [] } = parseScheme(json);
  const known = knownUnits(org);
  const warnings = scheme ? schemeWarnings(scheme, (unitId) => known.has(unitId)) : [];
  return { isValid: scheme !== undefined, mistakes, warnings };
});
