/**
 * What an append meets.
 * - `unanswered`: no answer ever; the connection stays.
 * - `late`: carried out at once, answered after `delayMs`, or by `release()`.
 * - `wrong-revision`: refused as if the revision were wrong, with the real one as `actual`.
 * - `end-stream`: the server ends the append stream with status OK; nothing pending is answered.
 * - `break-stream`: the server ends it with an error, by default UNAVAILABLE.
 * - `too-large`: refused as above the server's size limit.
 * - `timeout`: the server says that it did not get it done in time.
 * - `not-leader`: the stream breaks with the address of the leader.
 */
export type AppendFaultKind =
  | 'unanswered'
  | 'late'
  | 'wrong-revision'
  | 'end-stream'
  | 'break-stream'
  | 'too-large'
  | 'timeout'
  | 'not-leader';

/**
 * What a read or a subscription meets, after `afterEvents` events of it; one that is open when the
 * fault is armed meets it too, and counts from then on.
 * - `end-read`: it ends with status OK, as if there were no more.
 * - `break-read`: it ends with an error, by default UNAVAILABLE.
 * - `stall-read`: nothing more comes, until `release()`; the connection stays.
 * - `checkpoint-ahead`: before the next event comes a checkpoint that is `ahead` events further.
 * - `fall-behind`: the server says that the reader fell behind, and catches up again.
 */
export type ReadFaultKind =
  | 'end-read'
  | 'break-read'
  | 'stall-read'
  | 'checkpoint-ahead'
  | 'fall-behind';

export type AppendFaultRule = {
  readonly kind: AppendFaultKind;
  /** Only appends to streams that begin so. */
  readonly streamPrefix?: string;
  readonly skip?: number; // so many go through first; default 0
  readonly times?: number; // default 1
  /** Whether the log has the events all the same; not for refusals. Default true. */
  readonly carriedOut?: boolean;
  readonly delayMs?: number; // of `late`; without it, until release()
  readonly code?: number; // gRPC status of `break-stream`; default UNAVAILABLE (14)
};

export type ReadFaultRule = {
  readonly kind: ReadFaultKind;
  /** Only reads of such streams; `$all` for reads of everything. */
  readonly streamPrefix?: string;
  readonly skip?: number;
  readonly times?: number;
  readonly afterEvents?: number; // default 0
  readonly ahead?: number; // of `checkpoint-ahead`: default 1
  readonly code?: number; // gRPC status of `break-read`
};

export type FaultRule = AppendFaultRule | ReadFaultRule;

export type Fault = {
  readonly hits: () => number;
  /** Resolves when it first strikes, with the stream. */
  readonly struck: Promise<string>;
  /** Lets go what is held back: late answers, stalled reads. */
  readonly release: () => void;
  readonly remove: () => void;
};

export type ActiveFault<Rule extends FaultRule = FaultRule> = {
  readonly rule: Rule;
  /** Resolves with `release()`. */
  readonly released: Promise<void>;
};

export type Faults = {
  readonly arm: (rule: FaultRule) => Fault;
  readonly clear: () => void;
  /** Between any two events of every read from now on; 0 switches it off. */
  slowReadsMs: number;
  /** The server's limit of one append; as a server's by default. */
  maxAppendBytes: number;
};

type Armed = {
  left: number;
  skip: number;
  readonly strike: (stream: string) => void;
} & ActiveFault;

export type FaultBoard = Faults & {
  /** Grows with every fault that is armed: one armed later strikes reads that are open. */
  readonly version: () => number;
  /** Resolves when a fault is armed after that version, or the signal is aborted. */
  readonly armedAfter: (version: number, signal: AbortSignal) => Promise<void>;
  readonly forAppend: (stream: string) => ActiveFault<AppendFaultRule> | null;
  readonly forRead: (stream: string) => ActiveFault<ReadFaultRule> | null;
};

export const DEFAULT_MAX_APPEND_BYTES = 1024 * 1024;

const READ_FAULTS: ReadonlySet<string> = new Set<ReadFaultKind>([
  'end-read',
  'break-read',
  'stall-read',
  'checkpoint-ahead',
  'fall-behind',
]);

const isReadRule = (rule: FaultRule): rule is ReadFaultRule => READ_FAULTS.has(rule.kind);

export function createFaultBoard(): FaultBoard {
  const armed = new Set<Armed>();
  const waiting = new Set<() => void>();
  let version = 0;
  const take = (stream: string, isRead: boolean): ActiveFault | null => {
    for (const fault of armed) {
      if (isReadRule(fault.rule) !== isRead || fault.left === 0) continue;
      if (!stream.startsWith(fault.rule.streamPrefix ?? '')) continue;
      if (fault.skip > 0) {
        fault.skip -= 1;
        continue;
      }
      fault.left -= 1;
      fault.strike(stream);
      return fault;
    }
    return null;
  };
  return {
    slowReadsMs: 0,
    maxAppendBytes: DEFAULT_MAX_APPEND_BYTES,
    clear: () => armed.clear(),
    version: () => version,
    armedAfter: async (seen, signal) => {
      if (version > seen || signal.aborted) return;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          waiting.delete(wake);
          resolve();
        };
        waiting.add(wake);
        signal.addEventListener('abort', wake, { once: true });
      });
    },
    arm: (rule) => {
      let hits = 0;
      let tell: (stream: string) => void = () => undefined;
      let release: () => void = () => undefined;
      const struck = new Promise<string>((resolve) => void (tell = resolve));
      const released = new Promise<void>((resolve) => void (release = resolve));
      const strike = (stream: string): void => {
        hits += 1;
        tell(stream);
      };
      const fault: Armed = {
        rule,
        released,
        strike,
        left: rule.times ?? 1,
        skip: rule.skip ?? 0,
      };
      armed.add(fault);
      version += 1;
      for (const wake of waiting) wake();
      return {
        hits: () => hits,
        struck,
        release,
        remove: () => void armed.delete(fault),
      };
    },
    forAppend: (stream) => {
      const fault = take(stream, false);
      return fault !== null && !isReadRule(fault.rule) ? { ...fault, rule: fault.rule } : null;
    },
    forRead: (stream) => {
      const fault = take(stream, true);
      return fault !== null && isReadRule(fault.rule) ? { ...fault, rule: fault.rule } : null;
    },
  };
}
