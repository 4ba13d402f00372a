import { StoreUnavailable } from '#event-store';

/** Why readiness could not be told. The log may be on a server of its own, beside the database. */
export const unreadyWarning = (error: unknown): string =>
  error instanceof StoreUnavailable
    ? 'the event log does not answer'
    : 'the database does not answer';
