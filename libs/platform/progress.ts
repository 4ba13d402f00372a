/** Progress of a long command, on stderr: a bar on a terminal, plain lines elsewhere. */
export type Progress = {
  /** `count` more are done. */
  advance(count: number): void;
  /** Draws the last state and ends the line; later calls do nothing. */
  finish(): void;
};

export type ProgressOptions = {
  readonly label: string;
  readonly total: number | null; // null: not known
  readonly stream?: ProgressStream; // default stderr
  readonly nowMs?: () => number; // default: a clock that never goes back
  readonly startedMs?: number; // on that clock, where the work began before it was heard of
};

export type ProgressStream = {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
};

const BAR_WIDTH = 24;
const REDRAW_MS = 100;
const LINE_MS = 10_000;
const CLEAR_LINE = '\r\u001b[2K';

export function createProgress(options: ProgressOptions): Progress {
  const stream = options.stream ?? process.stderr;
  const nowMs = options.nowMs ?? (() => performance.now());
  const onTerminal = stream.isTTY === true;
  const everyMs = onTerminal ? REDRAW_MS : LINE_MS;
  const startedMs = options.startedMs ?? nowMs();
  let shownMs = startedMs;
  let done = 0;
  let finished = false;

  const state = (): string => {
    const seconds = (nowMs() - startedMs) / 1000;
    const rate = seconds > 0 ? Math.round(done / seconds) : done;
    return `${options.label} ${describe(done, options.total)}, ${grouped(rate)}/s`;
  };
  const draw = (): void => {
    shownMs = nowMs();
    const bar = onTerminal ? `${CLEAR_LINE}${drawBar(done, options.total)}` : '';
    stream.write(onTerminal ? bar + state() : `${state()}\n`);
  };
  return {
    advance(count) {
      if (finished) return;
      done += count;
      if (nowMs() - shownMs >= everyMs) draw();
    },
    finish() {
      if (finished) return;
      finished = true;
      draw();
      if (onTerminal) stream.write('\n');
    },
  };
}

function drawBar(done: number, total: number | null): string {
  if (total === null || total <= 0) return '';
  const filled = Math.min(BAR_WIDTH, Math.floor((done / total) * BAR_WIDTH));
  return `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} `;
}

function describe(done: number, total: number | null): string {
  if (total === null || total <= 0) return grouped(done);
  const percent = Math.min(100, Math.floor((done / total) * 100));
  return `${grouped(done)} / ${grouped(total)} (${percent} %)`;
}

const grouped = (count: number): string => count.toLocaleString('en-US');
