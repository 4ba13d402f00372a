/** What has been opened, to be closed in the opposite order. */
export type Endings = (() => Promise<void>)[];

/** Ends everything, also after one that failed; then throws the first failure. */
export async function endAll(endings: Endings): Promise<void> {
  const failures: unknown[] = [];
  for (const end of endings.splice(0).toReversed()) {
    await end().catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}
