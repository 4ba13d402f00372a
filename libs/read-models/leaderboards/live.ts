import type { Position } from '#event-store';
import type { Projections } from '#projections';
import { type BoardId, type BoardLine, boardPage, boardPlaces } from './queries.js';

/** A board's top as of a position, with the places of those readers who have one. */
export type BoardState = {
  readonly position: Position;
  readonly lines: readonly BoardLine[];
  readonly places: ReadonlyMap<string, BoardLine | null>; // by the ids that were asked for
};

/** What turns one top into a later one: the lines of the places that changed. */
export type BoardChange = { readonly length: number; readonly places: readonly BoardLine[] };

export type BoardWatch = {
  /** The newest state; null until the first was read, or while the reader's own place lacks. */
  readonly state: () => BoardState | null;
  /** The top as it was at a position that a reader has seen before; null: not kept any more. */
  readonly topAt: (position: Position) => readonly BoardLine[] | null;
  readonly leave: () => void;
};

export type LiveBoards = {
  /** `wake` is called after each look at the board; who is slow asks for the state later. */
  readonly watch: (
    board: BoardId,
    limit: number,
    ownId: string | null,
    wake: () => void,
  ) => BoardWatch;
  readonly close: () => void;
};

type Watcher = { readonly ownId: string | null; readonly wake: () => void };
/**
 * A top with the positions at which this feed has read it. Those between two of them are not its:
 * a board may have moved there and back, and a reader of another process may have seen that.
 */
type Kept = { readonly positions: Set<Position>; readonly lines: readonly BoardLine[] };
type Feed = {
  readonly board: BoardId;
  readonly limit: number;
  readonly watchers: Set<Watcher>;
  readonly kept: Kept[]; // the last tops that differed, oldest first
  state: BoardState | null;
  isDirty: boolean;
  isReading: boolean;
};

/** Boards read at once: live boards leave most of the pool to other queries. */
const READERS = 3;
/** Between two looks at one board: a burst of commits is one change to look at. */
const MIN_INTERVAL_MS = 20;
/** Notices of other processes may be lost: the position itself is looked at as often. */
const LOOK_MS = 1_000;
const RETRY_MS = 1_000;
/** Tops that a reader may come back to by the position it has seen last. */
const KEPT_TOPS = 64;
/** Of one top; a reader that saw an older one gets a snapshot. */
const KEPT_POSITIONS = 256;

type Following = {
  readonly projections: Pick<Projections, 'read'>;
  readonly feeds: Map<string, Feed>;
  readonly turns: (work: () => Promise<void>) => Promise<void>;
};

/**
 * Boards as they move. However many watch one board, it is read once after each commit of the
 * scores; a board that nobody watches is not read.
 */
export function createLiveBoards(
  projections: Pick<Projections, 'read' | 'onCommitted'>,
): LiveBoards {
  const following: Following = { projections, feeds: new Map(), turns: createTurns(READERS) };
  const { feeds } = following;
  const stopListening = projections.onCommitted(({ projection }) => {
    if (projection === 'scores') for (const feed of feeds.values()) soil(following, feed);
  });
  const looking = setInterval(() => void look(following).catch(() => undefined), LOOK_MS);
  looking.unref();
  return {
    watch: (board, limit, ownId, wake) => watch(following, board, limit, { ownId, wake }),
    close() {
      clearInterval(looking);
      stopListening();
      for (const feed of feeds.values()) feed.watchers.clear();
      feeds.clear();
    },
  };
}

function watch(following: Following, board: BoardId, limit: number, watcher: Watcher): BoardWatch {
  const { feeds } = following;
  const { ownId } = watcher;
  const key = JSON.stringify([board.period, board.unitId, board.schemeId, limit]);
  const feed = feeds.get(key) ?? newFeed(board, limit);
  feeds.set(key, feed);
  feed.watchers.add(watcher);
  soil(following, feed);
  return {
    state: () => (ownId === null || feed.state?.places.has(ownId) ? feed.state : null),
    topAt: (position) => feed.kept.find(({ positions }) => positions.has(position))?.lines ?? null,
    leave() {
      feed.watchers.delete(watcher);
      if (feed.watchers.size === 0 && feeds.get(key) === feed) feeds.delete(key);
    },
  };
}

function soil(following: Following, feed: Feed): void {
  feed.isDirty = true;
  void follow(following, feed);
}

async function follow({ projections, turns }: Following, feed: Feed): Promise<void> {
  if (feed.isReading) return;
  feed.isReading = true;
  while (feed.isDirty && feed.watchers.size > 0) {
    feed.isDirty = false;
    try {
      await turns(() => readFeed(projections, feed));
      await pause(MIN_INTERVAL_MS);
    } catch {
      // The database is away: readers keep what they have, and hear when it is back.
      feed.isDirty = true;
      await pause(RETRY_MS);
    }
  }
  feed.isReading = false;
}

async function readFeed(projections: Pick<Projections, 'read'>, feed: Feed): Promise<void> {
  const ids = [...new Set([...feed.watchers].flatMap(({ ownId }) => ownId ?? []))];
  const { result, position } = await projections.read(['scores'], async (sql) => ({
    lines: await boardPage(sql, feed.board, { offset: 0, limit: feed.limit }),
    places: await boardPlaces(sql, feed.board, ids),
  }));
  keep(feed, position, result.lines);
  const places = new Map(ids.map((id) => [id, result.places.get(id) ?? null]));
  feed.state = { position, lines: feed.kept.at(-1)?.lines ?? result.lines, places };
  for (const { wake } of feed.watchers) wake();
}

async function look(following: Following): Promise<void> {
  const { projections, feeds } = following;
  if (feeds.size === 0) return;
  const { position } = await projections.read(['scores'], () => Promise.resolve(null));
  for (const feed of feeds.values()) {
    if (feed.state?.position !== position) soil(following, feed);
  }
}

const newFeed = ({ period, unitId, schemeId }: BoardId, limit: number): Feed => ({
  board: { period, unitId, schemeId },
  limit,
  watchers: new Set(),
  kept: [],
  state: null,
  isDirty: true,
  isReading: false,
});

/** A top that says the same stays the same object, so that comparing it costs nothing. */
function keep({ kept, state }: Feed, position: Position, lines: readonly BoardLine[]): void {
  const last = kept.at(-1);
  // Back to an earlier generation of the read model: what was kept is no history of it.
  if (state && position < state.position) kept.length = 0;
  else if (last && isSameTop(last.lines, lines)) {
    last.positions.add(position);
    const [oldest] = last.positions;
    if (last.positions.size > KEPT_POSITIONS && oldest !== undefined) last.positions.delete(oldest);
    return;
  }
  kept.push({ positions: new Set([position]), lines });
  if (kept.length > KEPT_TOPS) kept.shift();
}

function isSameTop(a: readonly BoardLine[], b: readonly BoardLine[]): boolean {
  return a.length === b.length && a.every((line, at) => isSameLine(line, b[at] ?? null));
}

export function isSameLine(a: BoardLine | null, b: BoardLine | null): boolean {
  if (a === null || b === null) return a === b;
  return (
    a.accountManagerId === b.accountManagerId &&
    a.place === b.place &&
    a.rank === b.rank &&
    a.score === b.score &&
    a.provisional === b.provisional
  );
}

/** Null when nothing changed. */
export function changeBetween(
  before: readonly BoardLine[],
  after: readonly BoardLine[],
): BoardChange | null {
  if (before === after) return null;
  const places = after.filter((line, at) => !isSameLine(line, before[at] ?? null));
  if (places.length === 0 && before.length === after.length) return null;
  return { length: after.length, places };
}

/** Lets so many at a time work, first come first served. */
function createTurns(most: number): (work: () => Promise<void>) => Promise<void> {
  const waiting: (() => void)[] = [];
  let working = 0;
  return async (work) => {
    if (working >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else working += 1;
    try {
      await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else working -= 1;
    }
  };
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => void setTimeout(resolve, ms).unref());
