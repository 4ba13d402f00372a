import { type Engine, settlementRegisterAggregate } from '#commands';
import {
  bonusBatchStream,
  type ClaimScope,
  type ScopeClaimed,
  type SealingStarted,
  SETTLEMENT_STREAM,
  settlementRegister,
  type SettlementRegisterCommand,
  type SettlementRegisterEvent,
  type SettlementRegisterFacts,
  type SettlementRegisterState,
} from '#contexts/bonus-batches';
import type { Actor } from '#event-store';
import { contentHash } from '#kernel';
import type { Organisation } from '#read-models/organisation';
import { type By, isRefusal } from './batch.js';
import { pathOfPerson, unitPathsOf } from './people.js';

type LastSealing = SealingStarted['data'] & {
  readonly actor: Actor;
  readonly recordedAt: string;
};

export type Register = Readonly<SettlementRegisterState> & {
  readonly lastSealing: LastSealing | null;
};

/** The claims and sealings so far: a handful of events for each pay period. */
export async function readRegister(engine: Engine): Promise<Register> {
  let state = settlementRegister.initialState();
  let lastSealing: LastSealing | null = null;
  for await (const events of engine.store.readStream(SETTLEMENT_STREAM)) {
    for (const event of events) {
      const fact = event as unknown as SettlementRegisterEvent;
      state = settlementRegister.evolve(state, fact);
      if (fact.type !== 'bonus-batches.SealingStarted.v1') continue;
      const { actor, recordedAt } = event.metadata;
      lastSealing = { ...fact.data, actor, recordedAt };
    }
  }
  return { ...state, lastSealing };
}

const NO_FACTS: SettlementRegisterFacts = {
  unitPaths: new Map(),
  rejectedBatchIds: new Set(),
};

export async function decideRegister(
  engine: Engine,
  by: By,
  command: SettlementRegisterCommand,
  facts: SettlementRegisterFacts = NO_FACTS,
): Promise<void> {
  await engine.handler.decide(settlementRegisterAggregate, SETTLEMENT_STREAM, {
    command,
    facts: () => facts,
    envelope: by(`${command.type} ${contentHash(command.data)}`),
  });
}

/** What a claim is decided from. A batch once rejected stays so: no race can make that wrong. */
export async function claimFacts(
  engine: Engine,
  org: Organisation,
  { data }: ClaimScope,
): Promise<SettlementRegisterFacts> {
  return {
    unitPaths: unitPathsOf(org, data.payPeriod),
    rejectedBatchIds: await rejectedOf(engine, data.payPeriod),
  };
}

async function rejectedOf(engine: Engine, period: string): Promise<ReadonlySet<string>> {
  const { claims } = await readRegister(engine);
  const rejected = new Set<string>();
  for (const { batchId, payPeriod } of claims.values()) {
    if (payPeriod === period && (await isRejected(engine, batchId))) rejected.add(batchId);
  }
  return rejected;
}

/** Nothing follows a rejection: what payroll has rejected it neither accepts nor pays. */
async function isRejected(engine: Engine, batchId: string): Promise<boolean> {
  const last = { direction: 'backward', maxCount: 1 } as const;
  for await (const [event] of engine.store.readStream(bonusBatchStream(batchId), last)) {
    return event?.type === 'bonus-batches.BatchRejected.v1';
  }
  return false;
}

/**
 * Asked before a return of somebody in no cohort of the period is decided; false: a batch of the
 * period holds the person, from its claim until it is given up or payroll rejects it. True: the
 * register names the person by now, so that a claim from here on freezes the stream, and the return
 * is in its batch or refused by that freeze.
 */
export async function nameReturner(
  engine: Engine,
  org: Organisation,
  { accountManagerId, period }: { readonly accountManagerId: string; readonly period: string },
  by: By,
): Promise<boolean> {
  const unitPath = pathOfPerson(org, period, accountManagerId);
  const rejectedBatchIds = await rejectedOf(engine, period);
  const data = { accountManagerId, period, unitPath };
  try {
    const command = { type: 'bonus-batches.NameReturner', data } as const;
    await decideRegister(engine, by, command, { unitPaths: new Map(), rejectedBatchIds });
    return true;
  } catch (error) {
    if (isRefusal(error, HELD)) return false;
    throw error;
  }
}

const HELD: ReadonlySet<string> = new Set(['batch-sealed']);

export type Claim = ScopeClaimed['data'];
