/**
 * A decider is a plain object of three pure functions: no clock, no I/O, no framework.
 * `evolve` is total and never throws; it owns the state that `initialState` made and may change
 * it in place (copying a map for every event makes a fold quadratic). `decide` validates, may
 * refuse with a DomainError, and gives no events for a repeated intent.
 */
export type Decider<State, Command, Event extends DomainEvent, Facts> = {
  readonly initialState: () => State;
  readonly evolve: (state: State, event: Event) => State;
  readonly decide: (command: Command, state: Readonly<State>, facts: Facts) => readonly Event[];
};

/** What a domain event is before it is recorded: wire name and JSON data. */
export type DomainEvent = { readonly type: string; readonly data: object };

/** Folds events, oldest first, into a state of the decider. */
export function fold<State, Event extends DomainEvent>(
  decider: Pick<Decider<State, never, Event, never>, 'initialState' | 'evolve'>,
  events: Iterable<Event>,
): State {
  let state = decider.initialState();
  for (const event of events) state = decider.evolve(state, event);
  return state;
}
