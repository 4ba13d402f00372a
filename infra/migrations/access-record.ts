import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Who read what of other people, and who was turned away: a table of its own beside the log,
 * bounded in number and age. The system may add and read; what is removed is removed by the bound
 * alone, so that nobody with the system's rights clears a single trace.
 */
export class AccessRecord1760000300000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLE);
    await runner.query(PRUNE);
    await runner.query(PRIVILEGES);
  }

  down(): Promise<void> {
    throw new Error('forward only');
  }
}

const TABLE = `
CREATE SCHEMA access;
CREATE TABLE access.record (
  id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at                 timestamptz NOT NULL,
  kind               text COLLATE "C" NOT NULL CHECK (kind IN ('read', 'refusal')),
  caller_id          text COLLATE "C" NOT NULL,
  roles              text[] NOT NULL,
  account_manager_id text COLLATE "C",
  what               text COLLATE "C" NOT NULL,
  code               text COLLATE "C"
);
CREATE INDEX record_by_caller ON access.record (caller_id, id);
CREATE INDEX record_by_account_manager ON access.record (account_manager_id, id);
CREATE INDEX record_by_time ON access.record (at);
`;

/** The floors are the auditor's: no caller of the function removes more than they allow. */
const PRUNE = `
CREATE FUNCTION access.prune(in_kept_count bigint, in_before timestamptz)
RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  last_id bigint;
  removed bigint;
BEGIN
  SELECT max(r.id) INTO last_id FROM access.record r;
  DELETE FROM access.record r
   WHERE r.id <= last_id - greatest(in_kept_count, 10000)
      OR r.at < least(in_before, now() - interval '30 days');
  GET DIAGNOSTICS removed = ROW_COUNT;
  RETURN removed;
END $$;
`;

const PRIVILEGES = `
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA access FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA access FROM PUBLIC;
GRANT USAGE ON SCHEMA access TO merit_app;
GRANT SELECT, INSERT ON access.record TO merit_app;
GRANT EXECUTE ON FUNCTION access.prune TO merit_app;
`;
