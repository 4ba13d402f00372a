/** Resolves after the time, or when the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
  });
}

/**
 * What is waited for, unless the signal aborts before: then what comes late is given to `discard`,
 * and a late failure to nobody.
 */
export function unlessAborted<Result>(
  wanted: Promise<Result>,
  signal: AbortSignal,
  discard: (late: Result) => void,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    let isOver = false;
    const abort = (): void => {
      isOver = true;
      reject(new Error('ended', { cause: signal.reason }));
    };
    const settle = (told: () => void): void => {
      signal.removeEventListener('abort', abort);
      told();
    };
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    wanted.then(
      (result) => (isOver ? discard(result) : settle(() => resolve(result))),
      (error: unknown) => settle(() => reject(error)),
    );
  });
}

/** Error: `late()` when it takes longer. What is late goes on by itself. */
export async function within<Result>(
  wanted: Promise<Result>,
  ms: number,
  late: () => Error,
): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), ms);
  });
  wanted.catch(() => undefined); // when it fails after its time
  try {
    return await Promise.race([wanted, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

const PARTING_MS = 15_000;

/**
 * A client of Kafka that is done with. While brokers come and go kafkajs may never come to the end
 * of it: what is still open then holds back nobody.
 */
export async function part(
  client: { readonly disconnect: () => Promise<void> },
  ms = PARTING_MS,
): Promise<void> {
  const late = (): Error => new Error('the client of Kafka did not end');
  await within(client.disconnect(), ms, late).catch(() => undefined);
}
