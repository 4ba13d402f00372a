/** Jest looks for a default export. */
export default async function tearDown() {
  await globalThis.meritTestRun?.stop();
}
