import { refuseUnlessCorrectable, requireCorrections } from '#contexts/appeals';
import { DomainError } from '#kernel';
import type { Caller } from '#platform';
import {
  appealFacts,
  type Preview,
  previewDecision,
  readAppeal,
} from '#processes/appeal-resolution';
import { seen } from '../../authority.js';
import type { ApiSystem } from '../../dependencies.js';
import { ListOf } from '../../fields.js';
import type { AnyQuery } from '../../queries.js';
import { readQuery, refuseUnlessReached } from '../../read-query.js';
import { type AppealPath, CorrectionPart, MAX_CORRECTIONS, toCorrections } from './fields.js';
import { requireAppealSight } from './queries.js';

export class PreviewBody {
  @ListOf(
    () => CorrectionPart,
    { least: 1, most: MAX_CORRECTIONS },
    { example: [{ type: 'replace', recordId: 'M-2026-03-0042', value: '108.2' }] },
  )
  corrections!: CorrectionPart[];
}

/**
 * What a decision with these corrections would do, worked out as the decision itself would be;
 * nothing is recorded. Refused as the decision would be refused for its corrections.
 */
export const previewAppeal = readQuery(
  async (
    system: ApiSystem,
    params: AppealPath & PreviewBody & AnyQuery & { readonly caller: Caller },
  ): Promise<Preview> => {
    const { appealId, caller, after } = params;
    const { engine } = system;
    refuseUnlessReached(await engine.log.head(), after);
    const corrections = toCorrections(params.corrections);
    requireCorrections(corrections, 'upheld');
    const { appeal } = await readAppeal(engine, appealId);
    requireAppealSight(caller, appeal);
    const { accountManagerId, period } = appeal;
    if (caller.id === accountManagerId) {
      throw new DomainError('segregation-of-duties', { appealId });
    }
    const org = await engine.organisation.current();
    const { disputed } = await appealFacts(engine, org, { ...appeal, corrections });
    if (!disputed) throw new DomainError('no-published-result', { period });
    refuseUnlessCorrectable(disputed, corrections, appealId);
    seen(system, caller, accountManagerId, 'appeal preview');
    return previewDecision(engine, {
      accountManagerId,
      period,
      corrections,
      citing: { kind: 'appeal', appealId },
      decidedAt: system.clock().toISOString(),
    });
  },
);
