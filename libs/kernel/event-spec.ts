/** What is known of one event type: its wire name, its version and which fields are personal. */
export type EventSpec = {
  readonly type: string; // `context.EventName.v1`, explicit, never derived from a class name
  readonly schemaVersion: number;
  readonly personal?: Readonly<Record<string, PersonalField>>; // by top-level field of `data`
};

/** A field that is sealed before it reaches the log: with whose key, and for what purpose. */
export type PersonalField = {
  readonly subject: (event: { readonly stream: string; readonly data: object }) => string;
  readonly purpose: string;
};
