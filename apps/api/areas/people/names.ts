import { type AccountManagerEnrolled, accountManagerStream } from '#contexts/people';
import type { ApiSystem } from '../../dependencies.js';

/** Names by account manager id, opened; an erased one reads as the log says it. */
export async function namesOf(
  { store }: Pick<ApiSystem, 'store'>,
  accountManagerIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  for await (const events of store.readStreams(accountManagerIds.map(accountManagerStream))) {
    for (const { type, data } of events) {
      if (type !== 'people.AccountManagerEnrolled.v1') continue;
      const { accountManagerId, name } = data as AccountManagerEnrolled['data'];
      names.set(accountManagerId, name);
    }
  }
  return names;
}
