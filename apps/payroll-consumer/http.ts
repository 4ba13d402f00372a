import { DomainError } from '#kernel';
import type { Acknowledgement } from './acknowledgements.js';
import type { ReceivedMessage } from './batch-reader.js';
import type { Intake, Tell } from './intake.js';

/** The ledger over HTTP: the same messages, for work without Kafka. */
export type LedgerOverHttp = { readonly url: string; readonly token: string };

const TIMEOUT_MS = 60_000;

/** Ids of the batches that payroll may see. */
export async function sealedBatchIds(ledger: LedgerOverHttp): Promise<readonly string[]> {
  const { items } = (await ask(ledger, '/v1/bonus-batches')) as {
    readonly items: readonly { readonly batchId: string }[];
  };
  return items.map(({ batchId }) => batchId);
}

/** What is owed is carried from one batch to the next sealed: their order is that of the log. */
export async function inOrderOfSealing(
  ledger: LedgerOverHttp,
  batchIds: readonly string[],
): Promise<readonly string[]> {
  const placed: { readonly batchId: string; readonly position: string }[] = [];
  for (const batchId of batchIds) {
    const page = (await ask(ledger, `${messagesPath(batchId)}?limit=1`)) as Page;
    placed.push({ batchId, position: String(page.items[0]?.headers?.['ce_position'] ?? '') });
  }
  placed.sort((a, b) => (a.position < b.position ? -1 : Number(a.position > b.position)));
  return placed.map(({ batchId }) => batchId);
}

const messagesPath = (batchId: string): string =>
  `/v1/payroll/batches/${encodeURIComponent(batchId)}/messages`;

type Page = { readonly items: readonly ReceivedMessage[]; readonly next: string | null };

/** Takes all messages of a batch, a page at a time. */
export async function fetchBatch(
  ledger: LedgerOverHttp,
  batchId: string,
  intake: Intake,
): Promise<void> {
  const path = messagesPath(batchId);
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? '' : `?cursor=${encodeURIComponent(cursor)}`;
    const page = (await ask(ledger, `${path}${query}`)) as Page;
    await intake.take(page.items.map(({ key, headers, value }) => ({ key, headers, value })));
    cursor = page.next;
  } while (cursor !== null);
}

/** Each answer is a command; one that the ledger has heard before changes nothing. */
export function tellOverHttp(ledger: LedgerOverHttp): Tell {
  return async (answers) => {
    for (const answer of answers) {
      const { path, body } = toRequest(answer);
      await ask(ledger, path, { ...body, messageId: answer.messageId });
    }
  };
}

function toRequest({ type, content }: Acknowledgement): {
  readonly path: string;
  readonly body: object;
} {
  const batch = `/v1/bonus-batches/${encodeURIComponent(content.batchId)}`;
  switch (type) {
    case 'org.meritledger.payroll.batch-accepted.v1':
      return { path: `${batch}/acknowledge`, body: {} };
    case 'org.meritledger.payroll.batch-rejected.v1': {
      const reasonCodes = content.reasons.map(({ code }) => code);
      return { path: `${batch}/reject`, body: { reasonCode: reasonCodes[0], reasonCodes } };
    }
    case 'org.meritledger.payroll.payment-settled.v1':
    case 'org.meritledger.payroll.payment-returned.v1': {
      const { accountManagerId, amountMinor } = content;
      const step = type.includes('settled') ? 'settle' : 'return';
      return { path: `${batch}/payments/${step}`, body: { accountManagerId, amountMinor } };
    }
  }
}

/** A body makes it a command. Error: DomainError with the ledger's own code. */
async function ask({ url, token }: LedgerOverHttp, path: string, body?: object): Promise<unknown> {
  const response = await fetch(new URL(path, url), {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const answer = (await response.json().catch(() => null)) as { readonly code?: string } | null;
  if (response.ok) return answer;
  throw new DomainError(answer?.code ?? `http-${response.status}`, { path });
}
