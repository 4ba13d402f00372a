import type { ApiArea } from './area.js';
import { appealsArea } from './appeals/index.js';
import { accessRecordsArea } from './access-records/index.js';
import { bonusBatchesArea } from './bonus-batches/index.js';
import { cyclesArea } from './cycles/index.js';
import { documentationArea } from './documentation/index.js';
import { exportsArea } from './exports/index.js';
import { auditArea } from './audit/index.js';
import { ledgerArea } from './ledger/index.js';
import { complaintsArea } from './complaints/index.js';
import { conductArea } from './conduct/index.js';
import { earningsArea } from './earnings/index.js';
import { evaluationsArea } from './evaluations/index.js';
import { factsArea } from './facts/index.js';
import { feedbackCallsArea } from './feedback-calls/index.js';
import { metricsArea } from './metrics/index.js';
import { workTracesArea } from './work-traces/index.js';
import { leaderboardsArea } from './leaderboards/index.js';
import { officeCorrectionsArea } from './office-corrections/index.js';
import { operationsArea } from './operations/index.js';
import { organisationArea } from './organisation/index.js';
import { overridesArea } from './overrides/index.js';
import { payrollInboxArea } from './payroll-inbox/index.js';
import { payrollArea } from './payroll/index.js';
import { peopleArea } from './people/index.js';
import { schemesArea } from './schemes/index.js';
import { scoresArea } from './scores/index.js';
import { statementsArea } from './statements/index.js';
import { tiersArea } from './tiers/index.js';

/** Every area of the API; what is not listed here does not exist. */
export const AREAS: readonly ApiArea[] = [
  schemesArea,
  organisationArea,
  peopleArea,
  cyclesArea,
  overridesArea,
  exportsArea,
  complaintsArea,
  conductArea,
  earningsArea,
  evaluationsArea,
  factsArea,
  feedbackCallsArea,
  metricsArea,
  workTracesArea,
  appealsArea,
  officeCorrectionsArea,
  leaderboardsArea,
  scoresArea,
  tiersArea,
  statementsArea,
  auditArea,
  bonusBatchesArea,
  payrollArea,
  ledgerArea,
  payrollInboxArea,
  operationsArea,
  accessRecordsArea,
  documentationArea,
];
