import type { BonusLine } from '#contracts';

/**
 * What payroll pays of a batch, as the ledger has it: a person's lines are netted; a negative net
 * is paid as 0 and carried to the person's next batch; money that came back is paid again with the
 * next batch in which the person has a line.
 */
export type Payment = {
  readonly accountManagerId: string;
  readonly netMinor: bigint; // Σ of the person's lines
  readonly carriedMinor: bigint; // ≤ 0: owed by the person from earlier batches
  readonly returnedMinor: bigint; // ≥ 0: came back of earlier batches
  readonly paidMinor: bigint; // max(0, net + carried) + returned
  readonly leftMinor: bigint; // min(0, net + carried): carried on
};

/** Of earlier batches, per person; nobody stands for 0. */
export type Balances = {
  readonly carriedMinor: ReadonlyMap<string, bigint>;
  readonly returnedMinor: ReadonlyMap<string, bigint>;
};

/** Payments in the order of the lines, which are those of one person after the other. */
export async function* paymentsOf(
  lines: AsyncIterable<BonusLine>,
  balances: Balances,
): AsyncIterable<Payment> {
  let person: string | null = null;
  let netMinor = 0n;
  for await (const { accountManagerId, amountMinor } of lines) {
    if (person !== null && person !== accountManagerId) {
      yield paymentOf(person, netMinor, balances);
      netMinor = 0n;
    }
    person = accountManagerId;
    netMinor += BigInt(amountMinor);
  }
  if (person !== null) yield paymentOf(person, netMinor, balances);
}

function paymentOf(accountManagerId: string, netMinor: bigint, balances: Balances): Payment {
  const carriedMinor = balances.carriedMinor.get(accountManagerId) ?? 0n;
  const returnedMinor = balances.returnedMinor.get(accountManagerId) ?? 0n;
  const due = netMinor + carriedMinor;
  const paidMinor = (due > 0n ? due : 0n) + returnedMinor;
  const leftMinor = due < 0n ? due : 0n;
  return { accountManagerId, netMinor, carriedMinor, returnedMinor, paidMinor, leftMinor };
}
