import { randomUUID } from 'node:crypto';
import { unavailable } from './errors.js';
import type { Reader } from './read.js';
import type { ExactRevision, Writer } from './write.js';

/**
 * A claim is a stream of its own, whose last event says who holds it: what keeps an event's id,
 * or a request's key, from a second stream, and what finds the event by it. Claimed before the
 * event is appended, so that no moment lets two streams have it.
 */
export type Holder = {
  readonly stream: string;
  readonly eventId: string;
  /** Where the event stands if nothing came between; a hint. */
  readonly at: number;
};

export type Claim =
  /** Nobody held it: the log has no such event. */
  | { readonly kind: 'fresh'; readonly name: string; readonly revision: number }
  | {
      readonly kind: 'held';
      readonly name: string;
      readonly revision: number;
      readonly holder: Holder;
      readonly createdMs: number; // the server's clock
    };

export type Claims = {
  /** What `name` says: fresh for this holder, or held by whom. */
  readonly take: (name: string, holder: Holder) => Promise<Claim>;
  /** Takes a claim from its holder, if it is still as it was seen. */
  readonly takeOver: (seen: Claim, holder: Holder) => Promise<Claim | null>;
  /** Lets go of what was taken for an append that was refused, if nobody took it since. */
  readonly release: (claims: readonly Claim[]) => Promise<void>;
  readonly holderOf: (name: string) => Promise<Holder | null>;
};

const CLAIMED = 'RecordIdClaimed';
const RELEASED = 'RecordIdReleased';
const MAX_ROUNDS = 20;
const CLAIM_BYTES = 1_024;

export function createClaims(reader: Reader, write: Writer): Claims {
  const append = async (
    name: string,
    expected: ExactRevision,
    type: string,
    holder?: Holder,
  ): Promise<number | null> => {
    // An id of its own each time: the server takes a repeated id for a repetition, and would tell
    // two callers that the claim is theirs.
    const event = { id: randomUUID(), type, data: { ...holder } };
    const written = await write(name, expected, [event], CLAIM_BYTES);
    return written.kind === 'written' ? written.revision : null;
  };
  const last = async (name: string): Promise<Claim | { kind: 'free'; revision: number } | null> => {
    const [event] = await reader.page(name, 'backwards', 'end', 1);
    if (!event) return null;
    const { revision, createdMs } = event;
    if (event.type === RELEASED) return { kind: 'free', revision };
    return { kind: 'held', name, revision, holder: event.data as Holder, createdMs };
  };
  const takeAt = async (
    name: string,
    expected: ExactRevision,
    holder: Holder,
  ): Promise<Claim | null> => {
    const revision = await append(name, expected, CLAIMED, holder);
    return revision === null ? null : { kind: 'fresh', name, revision };
  };

  return {
    take: async (name, holder) => {
      let expected: ExactRevision = null;
      for (let round = 1; round <= MAX_ROUNDS; round += 1) {
        const taken = await takeAt(name, expected, holder);
        if (taken) return taken;
        const seen = await last(name);
        if (seen !== null && seen.kind !== 'free') return seen;
        expected = seen?.revision ?? null;
      }
      throw unavailable(`claim ${name}: taken and released again and again`);
    },
    takeOver: (seen, holder) => takeAt(seen.name, seen.revision, holder),
    release: async (claims) => {
      await Promise.allSettled(
        claims
          .filter(({ kind }) => kind === 'fresh')
          .map(({ name, revision }) => append(name, revision, RELEASED)),
      );
    },
    holderOf: async (name) => {
      const seen = await last(name);
      return seen?.kind === 'held' ? seen.holder : null;
    },
  };
}
