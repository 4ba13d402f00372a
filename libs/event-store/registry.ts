import { DomainError, type EventSpec } from '#kernel';

/** Old events stay readable for ever: how a superseded version reads as the next one. */
export type Upcaster = {
  readonly from: string; // wire name of the superseded version
  readonly to: string;
  /** Personal fields may be sealed: it moves them and never looks into them. */
  readonly upcast: (data: object) => object;
};

/** Every event type that the log may hold, by its wire name. */
export type EventRegistry = {
  /** DomainError `unknown-event-type` for a type that nobody owns. */
  specOf(type: string): EventSpec;
  /** For what the log holds already, by whatever version of the program. */
  knownSpecOf(type: string): EventSpec | null;
  /** Type and data as the newest version says them. */
  upcast<Event extends { readonly type: string; readonly data: object }>(event: Event): Event;
};

/** Refuses, at start, a wire name with two owners and an upcaster between unknown types. */
export function eventRegistry(
  specs: readonly EventSpec[],
  upcasters: readonly Upcaster[] = [],
): EventRegistry {
  const byType = new Map<string, EventSpec>();
  for (const spec of specs) {
    if (byType.has(spec.type)) throw new TypeError(`event type registered twice: ${spec.type}`);
    byType.set(spec.type, spec);
  }
  const upcasterFrom = new Map<string, Upcaster>();
  for (const upcaster of upcasters) {
    const { from, to } = upcaster;
    if (!byType.has(from) || !byType.has(to)) throw new TypeError(`upcaster ${from} → ${to}`);
    if (upcasterFrom.has(from)) throw new TypeError(`two upcasters from ${from}`);
    upcasterFrom.set(from, upcaster);
  }
  return {
    specOf(type) {
      const spec = byType.get(type);
      if (!spec) throw new DomainError('unknown-event-type', { type });
      return spec;
    },
    knownSpecOf: (type) => byType.get(type) ?? null,
    upcast(event) {
      let current = event;
      for (let steps = 0; steps <= upcasterFrom.size; steps += 1) {
        const upcaster = upcasterFrom.get(current.type);
        if (!upcaster) return current;
        current = { ...current, type: upcaster.to, data: upcaster.upcast(current.data) };
      }
      throw new TypeError(`upcasters go round in a circle: ${event.type}`);
    },
  };
}
