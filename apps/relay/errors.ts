/** Types by which the broker says that another producer has taken over, or was made to. */
const FENCED = new Set([
  'INVALID_PRODUCER_EPOCH',
  'TRANSACTION_COORDINATOR_FENCED',
  'PRODUCER_FENCED',
]);
/** Of PRODUCER_FENCED, which kafkajs 2.2.4 does not know by name. */
const PRODUCER_FENCED_CODE = 90;
const MAX_CAUSES = 10;

/** An error with those that it wraps: kafkajs wraps what the broker said once or twice. */
function causesOf(error: unknown): readonly Error[] {
  const causes: Error[] = [];
  for (let next = error; next instanceof Error && causes.length < MAX_CAUSES; next = next.cause) {
    causes.push(next);
  }
  return causes;
}

const typeOf = (error: Error): string | null =>
  'type' in error && typeof error.type === 'string' ? error.type : null;

/**
 * Whether the producer has been fenced: by another relay, or by the coordinator, which ended a
 * transaction that took too long.
 */
export function isFenced(error: unknown): boolean {
  return causesOf(error).some((cause) => {
    const type = typeOf(cause);
    const code = 'code' in cause ? cause.code : null;
    return (type !== null && FENCED.has(type)) || code === PRODUCER_FENCED_CODE;
  });
}

/** The broker's word for it if it gave one, else the error's own code or name. */
export function errorCodeOf(error: unknown): string {
  const [first] = causesOf(error);
  if (!first) return 'unknown';
  const type = causesOf(error)
    .map(typeOf)
    .find((found) => found !== null);
  if (type) return type;
  return 'code' in first && typeof first.code === 'string' ? first.code : first.name;
}

export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
