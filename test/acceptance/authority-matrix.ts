import type { Role } from '#platform';

/**
 * Who may do what of whom, written by hand from the specification: never derived from the code
 * that it is held against. Everything is about the account manager `am-1` of the unit north.
 *
 * A cell has one sign for each relation of the caller to `am-1`, in this order:
 * - self: the caller is am-1
 * - unit: supervises am-1, so that north is among the own units
 * - other: supervises only the unit south; the reviewer to whom am-1's appeal is assigned
 * - author: recorded what the appeal disputes, rated am-1, drafted the scheme, prepared the batch
 *
 * `Y` is let through (whatever comes of it), `-` is refused with 403. A role that a row does not
 * name is refused in every relation; `ANYONE` needs no token.
 */
export const RELATIONS = ['self', 'unit', 'other', 'author'] as const;
export type Row = Partial<Record<Role, string>> | 'ANYONE';

export type MatrixRow = {
  readonly route: string; // method and path pattern, as in the OpenAPI document
  readonly ask: string; // what is asked for instead of the pattern's path
  readonly body?: object;
  readonly admits: Row;
  /** Whoever may not see it is told that it is not there: refused with 404 too. */
  readonly hides?: true;
};

const ALL = 'YYYY';
const OFFICE: Row = { office: ALL };
const MONEY = { office: ALL, approver: ALL, auditor: ALL };
/** Seen of a person: the office's work, reviews and audits; managers their units; oneself. */
const OF_A_PERSON = {
  office: ALL,
  auditor: ALL,
  reviewer: ALL,
  manager: '-Y--',
  'account-manager': 'Y---',
};
/** Lists of which managers see the part of their units, and account managers their own. */
const LISTS = { ...OF_A_PERSON, manager: ALL, 'account-manager': ALL };
/** Boards: published ones are seen by account managers too, managers see their units. */
const EVERY_ROLE = {
  office: ALL,
  rater: ALL,
  'call-agent': ALL,
  'account-manager': ALL,
  reviewer: ALL,
  manager: ALL,
  auditor: ALL,
  payroll: ALL,
  approver: ALL,
};
const { payroll: _, ...EVERY_ROLE_BUT_PAYROLL } = EVERY_ROLE;
const BOARDS: Row = { office: ALL, auditor: ALL, manager: '-Y--', 'account-manager': ALL };
const OF = 'accountManagerId=am-1&period=2026-01';
const CORRECTIONS = { corrections: [{ type: 'adjust', points: '1' }] };

/** Of the batch as it was prepared; the test puts the hash in. */
export const APPROVED = { sha256: 'f'.repeat(64) };

function row(route: string, admits: Row, ask?: string, body?: object): MatrixRow {
  const path = route.slice(route.indexOf(' ') + 1);
  return { route, ask: ask ?? path, admits, ...(body === undefined ? {} : { body }) };
}

const hiding = (hidden: MatrixRow): MatrixRow => ({ ...hidden, hides: true });

const SCHEMES: readonly MatrixRow[] = [
  row('POST /v1/schemes', OFFICE),
  row('POST /v1/schemes/validate', { office: ALL, auditor: ALL }),
  row(
    'POST /v1/schemes/{schemeId}/versions/{version}/revise',
    OFFICE,
    '/v1/schemes/nothing/versions/1/revise',
  ),
  // author ≠ publisher
  row(
    'POST /v1/schemes/{schemeId}/versions/{version}/publish',
    { office: 'YYY-' },
    '/v1/schemes/drafted/versions/1/publish',
  ),
  row(
    'POST /v1/schemes/{schemeId}/versions/{version}/retire',
    OFFICE,
    '/v1/schemes/nothing/versions/1/retire',
  ),
  row('GET /v1/schemes', {
    office: ALL,
    manager: ALL,
    auditor: ALL,
    reviewer: ALL,
    approver: ALL,
    'account-manager': ALL,
  }),
  row('GET /v1/schemes/schema', 'ANYONE'),
  row('GET /v1/schemes/in-force', { ...OF_A_PERSON, approver: ALL }, `/v1/schemes/in-force?${OF}`),
  row(
    'GET /v1/schemes/{schemeId}/diff',
    {
      office: ALL,
      manager: ALL,
      auditor: ALL,
      reviewer: ALL,
      approver: ALL,
      'account-manager': ALL,
    },
    '/v1/schemes/drafted/diff?from=1&to=1',
  ),
  row(
    'GET /v1/schemes/{schemeId}/versions/{version}',
    {
      office: ALL,
      manager: ALL,
      auditor: ALL,
      reviewer: ALL,
      approver: ALL,
      'account-manager': ALL,
    },
    '/v1/schemes/field-service/versions/1',
  ),
];

const ORGANISATION: readonly MatrixRow[] = [
  row('POST /v1/units', OFFICE),
  row('GET /v1/units', {
    office: ALL,
    manager: ALL,
    auditor: ALL,
    reviewer: ALL,
    approver: ALL,
    admin: ALL,
  }),
  row('GET /v1/unit-tree', {
    office: ALL,
    manager: ALL,
    auditor: ALL,
    reviewer: ALL,
    approver: ALL,
    admin: ALL,
  }),
  row('POST /v1/calendar', OFFICE),
  row('GET /v1/calendar', { ...EVERY_ROLE_BUT_PAYROLL, admin: ALL }, '/v1/calendar?year=2026'),
  row('POST /v1/team-pools', OFFICE),
  row('GET /v1/team-pools', MONEY, '/v1/team-pools?period=2026-01'),
  row('POST /v1/delegations', { office: ALL, approver: ALL }),
  row('GET /v1/delegations', { ...MONEY, admin: ALL }),
];

const PEOPLE: readonly MatrixRow[] = [
  row('POST /v1/account-managers', OFFICE),
  row(
    'POST /v1/account-managers/{accountManagerId}/transfers',
    OFFICE,
    '/v1/account-managers/am-1/transfers',
  ),
  row(
    'POST /v1/account-managers/{accountManagerId}/absences',
    OFFICE,
    '/v1/account-managers/am-1/absences',
  ),
  row(
    'POST /v1/account-managers/{accountManagerId}/leaving',
    OFFICE,
    '/v1/account-managers/am-1/leaving',
  ),
  row(
    'POST /v1/account-managers/{accountManagerId}/capabilities',
    OFFICE,
    '/v1/account-managers/am-1/capabilities',
  ),
  row(
    'POST /v1/account-managers/{accountManagerId}/goals',
    { office: '-YYY' },
    '/v1/account-managers/am-1/goals',
    { period: '2026-02', indicatorId: 'sales', target: '100' },
  ),
  row('GET /v1/account-managers', { ...LISTS, approver: ALL, admin: ALL }),
  row(
    'GET /v1/account-managers/{accountManagerId}',
    { ...OF_A_PERSON, approver: ALL, admin: ALL },
    '/v1/account-managers/am-1',
  ),
  row(
    'GET /v1/account-managers/{accountManagerId}/goals',
    OF_A_PERSON,
    '/v1/account-managers/am-1/goals?period=2026-01',
  ),
  row(
    'GET /v1/cohorts/{period}',
    { office: ALL, manager: ALL, auditor: ALL, reviewer: ALL, approver: ALL, admin: ALL },
    '/v1/cohorts/2026-01',
  ),
];

const CYCLES: readonly MatrixRow[] = [
  row('POST /v1/cycles', OFFICE),
  row('GET /v1/cycles', EVERY_ROLE),
  row('GET /v1/cycles/{period}', EVERY_ROLE, '/v1/cycles/2026-01'),
  row('POST /v1/cycles/{period}/close', OFFICE, '/v1/cycles/2030-01/close'),
  row('POST /v1/cycles/{period}/reopen/propose', OFFICE, '/v1/cycles/2030-01/reopen/propose'),
  row('POST /v1/cycles/{period}/publish', OFFICE, '/v1/cycles/2030-01/publish'),
  row('POST /v1/cycles/{period}/finalise', OFFICE, '/v1/cycles/2030-01/finalise'),
  row(
    'POST /v1/cycles/{period}/reopen/approve',
    { office: 'YYY-' },
    '/v1/cycles/2026-03/reopen/approve',
  ),
  row(
    'GET /v1/cycles/{period}/progress',
    { office: ALL, manager: ALL, auditor: ALL },
    '/v1/cycles/2026-02/progress',
  ),
  row(
    'GET /v1/cycles/{period}/distribution',
    { ...MONEY, manager: ALL },
    '/v1/cycles/2026-01/distribution',
  ),
  row('GET /v1/overrides', MONEY, '/v1/overrides?period=2026-01'),
  row('GET /v1/overrides.csv', MONEY, '/v1/overrides.csv?period=2026-01'),
  row('GET /v1/periods/{period}/export', MONEY, '/v1/periods/2026-01/export?records=scores'),
];

const FACTS: readonly MatrixRow[] = [
  row('POST /v1/evaluations', { rater: 'Y---', 'account-manager': 'Y---' }, '/v1/evaluations', {
    accountManagerId: 'am-1',
    period: '2026-02',
    indicatorId: 'conduct',
    raterGroup: 'self',
    score: '80',
  }),
  row('POST /v1/evaluations', { rater: '-YYY' }, '/v1/evaluations', {
    accountManagerId: 'am-1',
    period: '2026-02',
    indicatorId: 'conduct',
    raterGroup: 'customer',
    score: '80',
  }),
  row(
    'POST /v1/evaluations/{evaluationId}/amend',
    { rater: '---Y', 'account-manager': '---Y' },
    '/v1/evaluations/rating/amend',
    { score: '81' },
  ),
  row(
    'POST /v1/evaluations/{evaluationId}/withdraw',
    { rater: '---Y', 'account-manager': '---Y' },
    '/v1/evaluations/rating/withdraw',
  ),
  row('POST /v1/evaluations:batch', { rater: ALL }),
  row(
    'GET /v1/evaluations/to-do',
    { rater: ALL, 'account-manager': ALL },
    '/v1/evaluations/to-do?period=2026-02',
  ),
  row('GET /v1/evaluations', OF_A_PERSON, `/v1/evaluations?${OF}`),
  row('POST /v1/feedback-samples', { 'call-agent': ALL, office: ALL }),
  row(
    'POST /v1/feedback-samples/{sampleId}/freeze',
    { 'call-agent': ALL, office: ALL },
    '/v1/feedback-samples/nothing/freeze',
  ),
  row(
    'POST /v1/feedback-samples/{sampleId}/draw',
    { 'call-agent': ALL, office: ALL },
    '/v1/feedback-samples/nothing/draw',
  ),
  row(
    'GET /v1/feedback-samples/{sampleId}',
    { 'call-agent': ALL, office: ALL, auditor: ALL, reviewer: ALL },
    '/v1/feedback-samples/nothing',
  ),
  row(
    'GET /v1/feedback-samples/{sampleId}/next',
    { 'call-agent': ALL, office: ALL, auditor: ALL },
    '/v1/feedback-samples/nothing/next',
  ),
  row(
    // Those about the caller are left out of the list.
    'GET /v1/feedback-samples',
    { 'call-agent': ALL, office: ALL, auditor: ALL, reviewer: ALL },
    `/v1/feedback-samples?${OF}`,
  ),
  row('POST /v1/feedback-calls:batch', { 'call-agent': ALL }),
  row('POST /v1/feedback-calls', { 'call-agent': ALL }),
  row(
    'GET /v1/feedback-calls',
    { ...OF_A_PERSON, 'call-agent': '-YYY' },
    `/v1/feedback-calls?${OF}`,
  ),
  row('POST /v1/work-traces', { 'account-manager': 'Y---' }, '/v1/work-traces', {
    accountManagerId: 'am-1',
    type: 'visit',
    occurredAt: '2026-02-09T09:00:00+08:00',
  }),
  row('POST /v1/work-traces:batch', { 'account-manager': ALL }),
  row(
    'POST /v1/work-traces/{traceId}/void',
    { 'account-manager': 'Y---', office: ALL },
    '/v1/work-traces/visit-1/void',
    { reason: 'x' },
  ),
  row('GET /v1/work-traces', OF_A_PERSON, `/v1/work-traces?${OF}`),
  row(
    'GET /v1/work-traces/day',
    OF_A_PERSON,
    '/v1/work-traces/day?accountManagerId=am-1&on=2026-02-09',
  ),
  row(
    'GET /v1/work-traces/missed',
    { office: ALL, auditor: ALL, manager: '-Y--' },
    '/v1/work-traces/missed?unitId=north&on=2026-02-09',
  ),
  row('GET /v1/facts', OF_A_PERSON, `/v1/facts?${OF}`),
  row('POST /v1/metrics', OFFICE),
  row('POST /v1/metrics:batch', OFFICE),
  row('POST /v1/adjustments', OFFICE),
  row('POST /v1/adjustments:batch', OFFICE),
  row('POST /v1/vetoes', OFFICE),
  row('POST /v1/awards', OFFICE),
  row('POST /v1/awards:batch', OFFICE),
  row('POST /v1/sales-credits', OFFICE),
  row('POST /v1/sales-credits:batch', OFFICE),
  row('POST /v1/complaints', { office: ALL, 'call-agent': ALL }),
  row(
    'POST /v1/complaints/{complaintId}/decide',
    { office: '-YYY' },
    '/v1/complaints/complaint-1/decide',
    { upheld: false },
  ),
  row(
    'GET /v1/complaints',
    { office: '-YYY', 'call-agent': '-YYY', auditor: '-YYY', reviewer: '-YYY' },
    '/v1/complaints?accountManagerId=am-1',
  ),
  row(
    'GET /v1/complaints/{complaintId}',
    // Who complained, and of what, is not the subject's to read in whatever role.
    { office: '-YYY', 'call-agent': '-YYY', auditor: '-YYY', reviewer: '-YYY' },
    '/v1/complaints/complaint-1',
  ),
];

const APPEALS: readonly MatrixRow[] = [
  row('POST /v1/appeals', { 'account-manager': 'Y---' }, '/v1/appeals', {
    accountManagerId: 'am-1',
    period: '2026-01',
    grounds: 'x',
    disputedRecordIds: ['disputed'],
  }),
  row('GET /v1/appeals', LISTS),
  row('GET /v1/appeals/overdue', { office: ALL, auditor: ALL }),
  row(
    'GET /v1/appeals/{appealId}',
    { office: ALL, auditor: ALL, reviewer: '--Y-', 'account-manager': 'Y---' },
    '/v1/appeals/appeal-1',
  ),
  row(
    'POST /v1/appeals/{appealId}/preview',
    { office: '-YYY', auditor: '-YYY', reviewer: '--Y-' },
    '/v1/appeals/appeal-1/preview',
    CORRECTIONS,
  ),
  row('POST /v1/appeals/{appealId}/accept', { office: '-YYY' }, '/v1/appeals/appeal-2/accept'),
  row('POST /v1/appeals/{appealId}/refuse', { office: '-YYY' }, '/v1/appeals/appeal-4/refuse', {
    reason: 'x',
  }),
  row('POST /v1/appeals/{appealId}/assign', { office: '-YYY' }, '/v1/appeals/appeal-1/assign', {
    reviewerId: 'boss-s',
  }),
  row(
    'POST /v1/appeals/{appealId}/withdraw',
    { 'account-manager': 'Y---' },
    '/v1/appeals/appeal-3/withdraw',
  ),
  row('POST /v1/appeals/{appealId}/decide', { reviewer: '--Y-' }, '/v1/appeals/appeal-1/decide', {
    outcome: 'dismissed',
    reasons: 'x',
  }),
  row(
    'POST /v1/appeals/{appealId}/request-review',
    { 'account-manager': 'Y---' },
    '/v1/appeals/appeal-1/request-review',
    { grounds: 'x' },
  ),
  row('POST /v1/office-corrections', { office: '-YYY' }, '/v1/office-corrections', {
    accountManagerId: 'am-1',
    period: '2026-01',
    reason: 'x',
    ...CORRECTIONS,
  }),
  row(
    'POST /v1/office-corrections/preview',
    { office: '-YYY', approver: '-YYY', auditor: '-YYY' },
    '/v1/office-corrections/preview',
    {
      accountManagerId: 'am-1',
      period: '2026-01',
      ...CORRECTIONS,
    },
  ),
  row(
    'POST /v1/office-corrections/{correctionId}/approve',
    { office: '-YY-', approver: '-YY-' },
    '/v1/office-corrections/correction-1/approve',
  ),
  row('GET /v1/office-corrections', MONEY),
  row('GET /v1/office-corrections/{correctionId}', MONEY, '/v1/office-corrections/correction-1'),
];

const MONEY_ROUTES: readonly MatrixRow[] = [
  row('POST /v1/bonus-batches', { office: '-YYY' }, '/v1/bonus-batches', {
    batchId: 'batch-1',
    period: '2026-01',
  }),
  row(
    'POST /v1/bonus-batches/{batchId}/approve',
    { approver: '-YY-' },
    '/v1/bonus-batches/batch-1/approve',
    APPROVED,
  ),
  row('POST /v1/bonus-batches/{batchId}/seal', OFFICE, '/v1/bonus-batches/nothing/seal'),
  row('POST /v1/bonus-batches/{batchId}/abandon', OFFICE, '/v1/bonus-batches/nothing/abandon'),
  row(
    'POST /v1/bonus-batches/{batchId}/acknowledge',
    { payroll: ALL },
    '/v1/bonus-batches/nothing/acknowledge',
  ),
  row(
    'POST /v1/bonus-batches/{batchId}/reject',
    { payroll: ALL },
    '/v1/bonus-batches/nothing/reject',
  ),
  row(
    'POST /v1/bonus-batches/{batchId}/payments/settle',
    { payroll: ALL },
    '/v1/bonus-batches/nothing/payments/settle',
  ),
  row(
    'POST /v1/bonus-batches/{batchId}/payments/return',
    { payroll: ALL },
    '/v1/bonus-batches/nothing/payments/return',
  ),
  row('GET /v1/bonus-batches', { ...MONEY, payroll: ALL }),
  // Of batches that are not sealed payroll knows nothing.
  hiding(row('GET /v1/bonus-batches/{batchId}', MONEY, '/v1/bonus-batches/batch-1')),
  hiding(row('GET /v1/bonus-batches/{batchId}/lines', MONEY, '/v1/bonus-batches/batch-1/lines')),
  row('GET /v1/payroll/alerts', { office: ALL, auditor: ALL, admin: ALL, payroll: ALL }),
  row('GET /v1/payroll/parked-keys', { office: ALL, auditor: ALL, admin: ALL, payroll: ALL }),
  row(
    'POST /v1/payroll/parked-keys/{keyDigest}/release',
    { admin: ALL },
    `/v1/payroll/parked-keys/${'0'.repeat(64)}/release`,
  ),
  hiding(
    row(
      'GET /v1/payroll/batches/{batchId}/messages',
      MONEY,
      '/v1/payroll/batches/batch-1/messages',
    ),
  ),
  row('GET /v1/ledger/lines', { ...MONEY, 'account-manager': 'Y---' }, `/v1/ledger/lines?${OF}`),
  row(
    'GET /v1/ledger/accounts',
    { ...MONEY, 'account-manager': 'Y---' },
    '/v1/ledger/accounts?accountManagerId=am-1',
  ),
  row(
    'GET /v1/ledger/transactions',
    { ...MONEY, 'account-manager': 'Y---' },
    '/v1/ledger/transactions?accountManagerId=am-1',
  ),
  row(
    'GET /v1/ledger/pending',
    { ...MONEY, 'account-manager': 'Y---' },
    '/v1/ledger/pending?accountManagerId=am-1',
  ),
  row('GET /v1/ledger/trial-balance', MONEY),
];

const RESULTS: readonly MatrixRow[] = [
  row(
    'GET /v1/leaderboards',
    BOARDS,
    '/v1/leaderboards?period=2026-01&schemeId=field-service&unitId=north',
  ),
  row(
    'GET /v1/leaderboards/stream',
    BOARDS,
    '/v1/leaderboards/stream?period=2026-01&schemeId=field-service&unitId=north',
  ),
  row(
    'GET /v1/leaderboards/{accountManagerId}/place',
    { office: ALL, auditor: ALL, manager: '-Y--', 'account-manager': ALL },
    '/v1/leaderboards/am-1/place?period=2026-01&schemeId=field-service&unitId=north',
  ),
  row('GET /v1/scores', LISTS, '/v1/scores?period=2026-01'),
  row('GET /v1/scores', OF_A_PERSON, `/v1/scores?${OF}`),
  row('GET /v1/provisional-scores', LISTS, '/v1/provisional-scores?period=2026-02'),
  row(
    'GET /v1/provisional-scores',
    OF_A_PERSON,
    '/v1/provisional-scores?accountManagerId=am-1&period=2026-02',
  ),
  row('GET /v1/tiers', LISTS, '/v1/tiers?period=2026-01'),
  row('GET /v1/tiers', OF_A_PERSON, `/v1/tiers?${OF}`),
  row('GET /v1/tiers/{accountManagerId}', OF_A_PERSON, '/v1/tiers/am-1'),
  row('GET /v1/tiers/{accountManagerId}/next', OF_A_PERSON, '/v1/tiers/am-1/next'),
  row('GET /v1/statements/{accountManagerId}/{period}', OF_A_PERSON, '/v1/statements/am-1/2026-01'),
  row(
    'POST /v1/statements/{accountManagerId}/{period}/acknowledge',
    { 'account-manager': 'Y---' },
    '/v1/statements/am-1/2026-01/acknowledge',
    { resultVersion: 1 },
  ),
  row(
    'POST /v1/statements/{accountManagerId}/{period}/object',
    { 'account-manager': 'Y---' },
    '/v1/statements/am-1/2026-01/object',
    { resultVersion: 1, grounds: 'x' },
  ),
];

const AUDIT: readonly MatrixRow[] = [
  row(
    'GET /v1/trace/{accountManagerId}/{period}',
    { office: ALL, reviewer: ALL, auditor: ALL, 'account-manager': 'Y---' },
    '/v1/trace/am-1/2026-01',
  ),
  hiding(
    row(
      'GET /v1/events/{eventId}',
      { office: ALL, reviewer: ALL, auditor: ALL, manager: '-Y--', 'account-manager': 'Y---' },
      '/v1/events/disputed-record',
    ),
  ),
  row('GET /v1/streams/{stream}', { auditor: ALL }, '/v1/streams/cycle-2026-01'),
  row('GET /v1/access-records', { auditor: ALL }),
  row('GET /v1/projections', { office: ALL, auditor: ALL, admin: ALL }),
  row('GET /health/live', 'ANYONE'),
  row('GET /health/ready', 'ANYONE'),
  row('GET /metrics', 'ANYONE'),
  row('GET /openapi.json', 'ANYONE'),
  row('GET /asyncapi.json', 'ANYONE'),
  row(
    'GET /schemas/{file}',
    'ANYONE',
    '/schemas/org.meritledger.payroll.bonus-line.v1.schema.json',
  ),
  row('GET /docs', 'ANYONE'),
  row('GET /docs/{file}', 'ANYONE', '/docs/swagger-ui.css'),
];

export const MATRIX: readonly MatrixRow[] = [
  ...SCHEMES,
  ...ORGANISATION,
  ...PEOPLE,
  ...CYCLES,
  ...FACTS,
  ...APPEALS,
  ...MONEY_ROUTES,
  ...RESULTS,
  ...AUDIT,
];
