import http from 'node:http';

export type ShownLine = {
  readonly place: number;
  readonly rank: number;
  readonly accountManagerId: string;
  readonly score: string;
  readonly provisional: boolean;
};

/** What a client of a live board holds: what it was told, and the id of the last event. */
export type ShownBoard = {
  lines: ShownLine[];
  own: ShownLine | null;
  lastEventId: string | null;
  snapshotCount: number;
  changeCount: number;
  endReason: string | null;
};

export const emptyBoard = (): ShownBoard => ({
  lines: [],
  own: null,
  lastEventId: null,
  snapshotCount: 0,
  changeCount: 0,
  endReason: null,
});

/** One event of the stream, applied whole: a client that is cut inside one has not seen it. */
export function applyEvent(board: ShownBoard, text: string): void {
  const fields = new Map(
    text.split('\n').flatMap((line) => {
      const at = line.indexOf(': ');
      return at > 0 ? [[line.slice(0, at), line.slice(at + 2)] as const] : [];
    }),
  );
  const data = fields.get('data');
  if (data === undefined) return;
  const body = JSON.parse(data) as {
    readonly lines?: ShownLine[];
    readonly places?: ShownLine[];
    readonly length?: number;
    readonly own?: ShownLine | null;
    readonly reason?: string;
  };
  switch (fields.get('event')) {
    case 'snapshot':
      board.lines = body.lines ?? [];
      board.snapshotCount += 1;
      break;
    case 'changes':
      for (const line of body.places ?? []) board.lines[line.place - 1] = line;
      board.lines.length = body.length ?? 0;
      board.changeCount += 1;
      break;
    case 'end':
      board.endReason = body.reason ?? '';
      return;
  }
  if (body.own !== undefined) board.own = body.own;
  board.lastEventId = fields.get('id') ?? board.lastEventId;
}

export type Connection = {
  readonly status: number;
  /** Cuts the line in the middle of whatever is on it. */
  readonly cut: () => void;
  readonly closed: Promise<void>;
};

/** Connects with what the board says was seen last, and applies what comes until it is cut. */
export function connect(url: string, authorization: string, board: ShownBoard) {
  return new Promise<Connection>((resolve, reject) => {
    const last = board.lastEventId === null ? {} : { 'last-event-id': board.lastEventId };
    const request = http.get(url, { headers: { authorization, ...last } }, (response) => {
      let rest = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        const parts = (rest + chunk).split('\n\n');
        rest = parts.pop() ?? '';
        for (const part of parts) applyEvent(board, part);
      });
      response.on('error', () => undefined);
      const closed = new Promise<void>((done) => response.once('close', done));
      resolve({ status: response.statusCode ?? 0, cut: () => request.destroy(), closed });
    });
    request.on('error', reject);
  });
}

/** Looks until it holds. */
export async function until(holds: () => boolean, limitMs = 10_000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error('it did not come to hold in time');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
