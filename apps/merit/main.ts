import { runCommandLine } from './command-line.js';

// Setting the code, and not exiting: what is still on its way to a pipe arrives.
process.exitCode = await runCommandLine(process.argv.slice(2), process.env);
