export { requireUsableUrl } from './connection.js';
export { type EventStoreDbOptions, openEventStoreDb } from './eventstoredb-event-store.js';
