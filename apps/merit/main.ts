import { runCommandLine } from './command-line.js';

const LINGER_MS = 10_000;

// Setting the code, and not exiting: what is still on its way to a pipe arrives. Should something
// hold the process all the same, it is not waited for: the timer alone holds nothing.
process.exitCode = await runCommandLine(process.argv.slice(2), process.env);
setTimeout(() => process.exit(), LINGER_MS).unref();
