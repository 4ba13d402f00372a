export { applyToOrganisation, type Touched } from './fold.js';
export { createOrganisationFollower, type OrganisationFollower } from './follower.js';
export * from './queries.js';
export {
  createOrganisation,
  type Cycle,
  type CycleStatus,
  type Delegation,
  type Member,
  type Organisation,
  ORGANISATION_PREFIXES,
  type Unit,
} from './state.js';
