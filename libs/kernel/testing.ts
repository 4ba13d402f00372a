import { canonicalJson } from './canonical-json.js';
import { type Decider, type DomainEvent, fold } from './decider.js';
import { DomainError } from './domain-error.js';

/**
 * Decider specs in sentences: given events, when a command meets facts, then events or a refusal.
 * Pure, without a test framework: what does not hold is thrown.
 */
type Decided<Event> = {
  /** Exactly these events, in this order. */
  readonly thenEvents: (expected: readonly Event[]) => void;
  /** A repeated intent. */
  readonly thenNothing: () => void;
  readonly thenRefused: (code: string) => void;
};

export function given<State, Command, Event extends DomainEvent, Facts>(
  decider: Decider<State, Command, Event, Facts>,
  events: readonly Event[],
): { readonly when: (command: Command, facts: Facts) => Decided<Event> } {
  return {
    when: (command, facts) => {
      const outcome = () => decider.decide(command, fold(decider, events), facts);
      const thenEvents = (expected: readonly Event[]): void => expectSame(outcome(), expected);
      return {
        thenEvents,
        thenNothing: () => thenEvents([]),
        thenRefused: (code) => expectRefusal(outcome, code),
      };
    },
  };
}

function expectSame(actual: readonly DomainEvent[], expected: readonly DomainEvent[]): void {
  if (canonicalJson(actual) === canonicalJson(expected)) return;
  throw new Error(`expected ${canonicalJson(expected)}\n  actual ${canonicalJson(actual)}`);
}

function expectRefusal(outcome: () => readonly DomainEvent[], code: string): void {
  let events: readonly DomainEvent[];
  try {
    events = outcome();
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    if (error.code === code) return;
    throw new Error(`expected the refusal ${code}, was refused with ${error.message}`, {
      cause: error,
    });
  }
  throw new Error(`expected the refusal ${code}, actual ${canonicalJson(events)}`);
}
