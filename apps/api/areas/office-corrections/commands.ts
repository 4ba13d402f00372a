import { correctionAggregate } from '#commands';
import {
  type CorrectionFacts,
  type CorrectionProposed,
  correctionStream,
  currentResult,
  kindsOfCorrected,
} from '#contexts/assessment';
import { DomainError, localDate, nameBasedId } from '#kernel';
import { readAssessment, type Resolved, resolveCorrection } from '#processes/appeal-resolution';
import { cycleOf, delegatorsOf, type Organisation, schemeVersion } from '#read-models/organisation';
import type { Correction } from '#rules';
import type { ApiSystem } from '../../dependencies.js';
import { Id, ListOf, Period, Text } from '../../fields.js';
import { type CommandAnswer, decideOn, firstAnswer, writeCommand } from '../../write-command.js';
import { CorrectionPart, MAX_CORRECTIONS, toCorrections } from '../appeals/fields.js';

export class CorrectionPath {
  @Id({ example: 'OC-2026-0007' })
  correctionId!: string;
}

export class CorrectedBody {
  @Id({ example: 'am-001' })
  accountManagerId!: string;

  @Period({ description: 'A published one, an incomplete result too' })
  period!: string;

  @ListOf(
    () => CorrectionPart,
    { least: 1, most: MAX_CORRECTIONS },
    { example: [{ type: 'replace', recordId: 'M-2026-03-0042', value: '108.2' }] },
  )
  corrections!: CorrectionPart[];
}

export class ProposeCorrectionBody extends CorrectedBody {
  @Id({ optional: true, example: 'OC-2026-0007', description: 'Left out: made here' })
  correctionId?: string;

  @Text({ example: '核心系统三月存款数据迟报，现予更正' })
  reason!: string;
}

export class ApproveCorrectionBody {
  @Id({
    optional: true,
    example: 'approver-1',
    description: 'Whose approval was delegated to the caller; left out: the caller’s own',
  })
  onBehalfOf?: string;
}

/** What is left to do: a proposal waits for another person's approval, without a due day. */
export type CorrectionAnswer = CommandAnswer & {
  readonly next: { readonly step: 'approve'; readonly by: 'another person' } | null;
  readonly resultVersion?: number; // that the approval made
};

export async function correctionFacts(
  { engine }: Pick<ApiSystem, 'engine'>,
  org: Organisation,
  accountManagerId: string,
  period: string,
  corrections: readonly Correction[],
): Promise<CorrectionFacts> {
  const state = await readAssessment(engine, accountManagerId, period);
  const isPublished = cycleOf(org, period)?.publishedAt != null;
  return {
    hasResult: isPublished && currentResult(state) !== null,
    kindByRecordId: kindsOfCorrected(state, corrections),
  };
}

export const proposeCorrection = writeCommand(
  async (writing, body: ProposeCorrectionBody): Promise<CorrectionAnswer> => {
    const { call, at, system } = writing;
    const { accountManagerId, period, reason } = body;
    const correctionId = body.correctionId ?? nameBasedId('request', call.commandId, 'correction');
    const corrections = toCorrections(body.corrections);
    const org = await system.engine.organisation.current();
    const facts = await correctionFacts(system, org, accountManagerId, period, corrections);
    const proposal = { accountManagerId, period, corrections, reason };
    const data = { correctionId, ...proposal, proposedBy: call.caller.id, proposedAt: at };
    const answer = await decideOn(writing, {
      aggregate: correctionAggregate,
      stream: correctionStream(correctionId),
      id: correctionId,
      command: { type: 'assessment.ProposeCorrection', data },
      facts: () => facts,
    });
    return { ...answer, next: { step: 'approve', by: 'another person' } };
  },
);

/** Approves and at once makes the new version: the answer's position is behind both. */
export const approveCorrection = writeCommand(
  async (
    writing,
    { correctionId, onBehalfOf }: CorrectionPath & ApproveCorrectionBody,
  ): Promise<CorrectionAnswer> => {
    const { call, at, system } = writing;
    const proposed = await readProposal(system, correctionId);
    const behalf = onBehalfOf === undefined ? {} : { onBehalfOf };
    // A repeat gets its first answer, also when the days of the delegation are over.
    if (onBehalfOf !== undefined && !(await firstAnswer(writing, correctionId))) {
      await requireDelegation(system, proposed, { onBehalfOf, actorId: call.caller.id, at });
    }
    const data = { correctionId, approvedBy: call.caller.id, approvedAt: at, ...behalf };
    const answer = await decideOn(writing, {
      aggregate: correctionAggregate,
      stream: correctionStream(correctionId),
      id: correctionId,
      command: { type: 'assessment.ApproveCorrection', data },
      facts: () => ({ hasResult: true, kindByRecordId: {} }), // looked at when it was proposed
      ...behalf,
    });
    const resolved = await resolveCorrection(system.engine, correctionId);
    return { ...answer, ...behind(answer, resolved), next: null };
  },
);

function behind(answer: CommandAnswer, resolved: Resolved | null) {
  if (!resolved) return {};
  const { position, resultVersion } = resolved;
  return { position: position > answer.position ? position : answer.position, resultVersion };
}

/** Personal texts sealed. Error: DomainError `unknown-correction`. */
async function readProposal(
  { engine }: ApiSystem,
  correctionId: string,
): Promise<CorrectionProposed['data']> {
  for await (const [proposed] of engine.log.readStreams([correctionStream(correctionId)])) {
    if (proposed) return proposed.data as CorrectionProposed['data'];
  }
  throw new DomainError('unknown-correction', { correctionId });
}

type Delegated = { readonly onBehalfOf: string; readonly actorId: string; readonly at: string };

/** Days of a delegation are read where the result's scheme is at home. */
async function requireDelegation(
  { engine }: ApiSystem,
  { accountManagerId, period }: CorrectionProposed['data'],
  { onBehalfOf, actorId, at }: Delegated,
): Promise<void> {
  const org = await engine.organisation.current();
  const { frozen } = await readAssessment(engine, accountManagerId, period);
  const scheme = frozen && schemeVersion(org, frozen.schemeId, frozen.schemeVersion);
  const day = localDate(at, scheme?.timezone ?? 'UTC');
  if (delegatorsOf(org, actorId, day).includes(onBehalfOf)) return;
  throw new DomainError('delegation-not-on-record', { onBehalfOf });
}
