/** Topics by what they are for (payroll: topics). A deployment may set a prefix before each. */
export const TOPICS = {
  batches: 'merit.payroll.batches.v1',
  results: 'merit.results.v1',
  tiers: 'merit.tiers.v1',
  acknowledgements: 'merit.payroll.acks.v1',
  progress: 'merit.relay.progress.v1',
  deadLetters: 'merit.payroll.acks.dlq.v1',
} as const;
export type Topic = (typeof TOPICS)[keyof typeof TOPICS];
