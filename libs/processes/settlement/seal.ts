import type { Engine } from '#commands';
import type { SealBatch } from '#contexts/bonus-batches';
import { canonicalJson, DomainError, nameBasedId } from '#kernel';
import type { Position } from '#event-store';
import { cohort, type Organisation } from '#read-models/organisation';
import { type BatchLine, controlTotals } from '#rules';
import {
  batchOnRecord,
  type By,
  decideBatch,
  isRefusal,
  proposedLines,
  supersedeBatch,
} from './batch.js';
import { openDifferences } from './differences.js';
import { linesAt } from './lines.js';
import { type Extent, extentHolds, returnersOutside } from './people.js';
import { decideRegister, readRegister, type Register } from './register.js';
import { changedSince } from './changes.js';

export type SealRequest = {
  readonly batchId: string;
  readonly sha256: string; // of the content that the caller means
  readonly sealedAt: string;
};

const MAX_ATTEMPTS = 20;
const OVERTAKEN: ReadonlySet<string> = new Set(['sealing-overtaken']);
/** The generation was superseded between its sealing's start and end: it will never be sealed. */
const NEVER: ReadonlySet<string> = new Set([
  'batch-changed',
  'batch-not-prepared',
  'batch-not-approved',
]);

/**
 * Starts to seal an approved batch, if its lines are what is due as of a position behind every
 * sealing before. What is decided after that position is in the next batch, as a difference: the
 * sealing's own projection compares once more. Lines that are not due any more are superseded, and
 * the caller hears `batch-changed`. Gives the command that ends it.
 */
export async function startSealing(
  engine: Engine,
  request: SealRequest,
  by: By,
  lines?: readonly BatchLine[], // where the caller has them, they are not read again
): Promise<SealBatch> {
  const { batchId, sha256, sealedAt } = request;
  for (let attempt = 1; ; attempt += 1) {
    await finishSealing(engine);
    const register = await readRegister(engine);
    const batch = await batchOnRecord(engine, batchId);
    const { prepared, generation } = batch;
    if (!prepared || batch.isSuperseded) throw new DomainError('batch-not-prepared', { batchId });
    if (prepared.sha256 !== sha256) throw new DomainError('batch-changed', { batchId });
    const seal: SealBatch = {
      type: 'bonus-batches.SealBatch',
      data: { batchId, sha256, sealedAt, generation },
    };
    if (batch.sealed) return seal;
    if (batch.approvedBy === null) throw new DomainError('batch-not-approved', { batchId });
    if (!(await isStillDue(engine, { batchId, generation, register, lines }))) {
      await supersedeBatch(engine, { batchId, generation, reason: 'lines-changed' }, by);
      throw new DomainError('batch-changed', { batchId });
    }
    const { sealingCount } = register;
    const data = { batchId, generation, sha256, sealedAt, sealingCount };
    try {
      await decideRegister(engine, by, { type: 'bonus-batches.StartSealing', data });
    } catch (error) {
      if (!isRefusal(error, OVERTAKEN) || attempt === MAX_ATTEMPTS) throw error;
      continue;
    }
    return seal;
  }
}

/** Both steps of a sealing; between them a crash leaves what `finishSealing` ends. */
export async function sealBatch(
  engine: Engine,
  request: SealRequest,
  by: By,
  lines?: readonly BatchLine[],
): Promise<void> {
  const seal = await startSealing(engine, request, by, lines);
  await decideBatch(engine, by, seal, seal.data.generation ?? 0);
}

/** Ends the sealing that a dead run began: what follows looks at differences that it posts. */
export async function finishSealing(engine: Engine): Promise<void> {
  const { lastSealing } = await readRegister(engine);
  if (!lastSealing) return;
  const { actor, recordedAt, ...data } = lastSealing;
  const { batchId, generation, sealedAt } = data;
  const by: By = (step) => ({
    commandId: nameBasedId('sealing', batchId, step),
    actor,
    occurredAt: sealedAt,
    recordedAt,
  });
  try {
    await decideBatch(engine, by, { type: 'bonus-batches.SealBatch', data }, generation);
  } catch (error) {
    if (!isRefusal(error, NEVER)) throw error;
  }
}

type Looked = {
  readonly batchId: string;
  readonly generation: number;
  readonly register: Pick<Register, 'claims'>;
  readonly lines?: readonly BatchLine[] | undefined;
};

/**
 * Are the lines of a generation what is due now? Only those can have moved of whom something was
 * decided since the generation claimed its scope, and differences, which another batch may have
 * posted.
 */
export async function isStillDue(
  engine: Engine,
  { batchId, generation, register, lines }: Looked,
): Promise<boolean> {
  const claim = register.claims.get(batchId);
  if (claim?.generation !== generation) return false; // given up
  const extent: Extent = { period: claim.payPeriod, unitIds: claim.unitIds };
  const position = await engine.log.head();
  const org = await engine.organisation.current();
  const { changed, differences } = await engine.readModels.at(
    position,
    ['settlement'],
    async (sql) => {
      const since = await changedSince(sql, { batchId, generation, period: extent.period });
      const outsiders = await returnersOutside(sql, org, extent);
      const changed = since === 'everybody' ? cohort(org, extent.period) : since;
      return {
        changed: [...new Set([...changed, ...outsiders])].filter((id) =>
          extentHolds(org, extent, id),
        ),
        differences: await openDifferences(sql, org, extent),
      };
    },
  );
  const { due, unfrozen } = await dueNow(engine, extent.period, { org, changed, position });
  if (unfrozen.length > 0) return false;
  const proposed = await looselyProposed(
    lines ? [lines] : proposedLines(engine, batchId, generation),
    new Set(changed),
  );
  return isSame([...due, ...differences.lines], proposed);
}

function dueNow(
  engine: Engine,
  period: string,
  at: { org: Organisation; changed: readonly string[]; position: Position },
): ReturnType<typeof linesAt> {
  const { org, changed: people, position } = at;
  if (people.length === 0) return Promise.resolve({ due: [], unfrozen: [] });
  return linesAt(engine, period, { org, people, position });
}

/** Corrections, and the own lines of those of whom something was decided since. */
async function looselyProposed(
  parts: Iterable<readonly BatchLine[]> | AsyncIterable<readonly BatchLine[]>,
  changed: ReadonlySet<string>,
): Promise<readonly BatchLine[]> {
  const found: BatchLine[] = [];
  for await (const part of parts) {
    for (const line of part) {
      if (line.kind === 'correction' || changed.has(line.accountManagerId)) found.push(line);
    }
  }
  return found;
}

const isSame = (a: readonly BatchLine[], b: readonly BatchLine[]): boolean =>
  canonicalJson(controlTotals(a)) === canonicalJson(controlTotals(b));
