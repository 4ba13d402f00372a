import { DomainError } from '#kernel';
import { employmentOf } from '#read-models/organisation';
import { renderTrace, traceScore } from '#read-models/trace';
import type { Call } from '../call.js';
import { requireFormat } from '../formats.js';
import { standardOutput, writeJson, writeTable } from '../output.js';
import { createSession, withSystem } from '../session.js';

export async function trace(
  { env, options }: Call,
  wanted: { readonly accountManagerId: string; readonly period: string; readonly asOf?: string },
): Promise<void> {
  requireFormat(options.format, ['table', 'json']);
  const { accountManagerId, period, asOf } = wanted;
  const session = createSession(env, options);
  const end = asOf === undefined ? undefined : ({ kind: 'recorded', at: asOf } as const);
  const found = await withSystem(session, 'attach', async ({ engine, store }) => {
    const org = await engine.organisation.current();
    if (!employmentOf(org, accountManagerId)) {
      throw new DomainError(
        'unknown-account-manager',
        { accountManagerId },
        `the log knows nobody with the id ${accountManagerId}`,
      );
    }
    return traceScore(store.sealedView, accountManagerId, period, end);
  });
  if (options.format === 'json') return writeJson(standardOutput, found);
  const { columns, rows } = renderTrace(found, session.language);
  await writeTable(
    standardOutput,
    columns.map((title) => ({ title })),
    rows,
  );
}
