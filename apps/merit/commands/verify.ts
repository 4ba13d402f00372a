import type { Call } from '../call.js';
export async function verify(_: Call): Promise<void> {}
