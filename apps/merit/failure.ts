/** 0 done, 1 failed, 2 wrong usage. */
export type ExitCode = 0 | 1 | 2;

export type Failure = { readonly exitCode: ExitCode; readonly line: string };

/** Errors that say by themselves what to mend; any other is a fault of the program. */
const SPEAKING: ReadonlySet<string> = new Set(['DomainError', 'DatasetError', 'StoreUnavailable']);
/** A setting is given with the command, like a flag. */
const USAGE_CODES: ReadonlySet<string> = new Set(['configuration-invalid', 'wrong-usage']);

/**
 * What a person reads of an error: one line with its code and what to mend. Errors are told apart
 * by name, so that `--help` need not load everything that throws them.
 */
export function failureOf(error: unknown, options: { readonly debug: boolean }): Failure {
  if (!(error instanceof Error)) return { exitCode: 1, line: `merit: ${String(error)}` };
  const code = codeOf(error);
  const isSpeaking = SPEAKING.has(error.name);
  const text = oneLine(error.message);
  const isTold = code === null || text.startsWith(code);
  const line = `merit: ${isTold ? text : `${code}: ${text}`}`;
  if (isSpeaking) return { exitCode: code && USAGE_CODES.has(code) ? 2 : 1, line };
  if (options.debug) return { exitCode: 1, line: `${line}\n${error.stack ?? ''}` };
  return { exitCode: 1, line: `${line} (unexpected; MERIT_LOG_LEVEL=debug shows where)` };
}

function codeOf(error: Error): string | null {
  if (error.name === 'DatasetError') return 'dataset-directory';
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : null;
}

function oneLine(message: string): string {
  return message
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('; ');
}
