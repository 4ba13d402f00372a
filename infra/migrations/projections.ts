import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What the projection runner knows of itself (adr/0006). The read models' own tables are not
 * migrated: each generation is a schema `read_<n>` that `merit_app` makes from the entities, for
 * which it holds CREATE on the database.
 */
export class Projections1760000100000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await runner.query(LEASES);
    await runner.query(PRIVILEGES);
  }

  down(): Promise<void> {
    throw new Error('forward only');
  }
}

/**
 * `pointer` has one row: which generation of each projection is read and written now, and which
 * was before the last switch. `fence` moves whenever somebody other than the runner changes what
 * the runner may do (a switch, a parked key, a retry): the runner's compare-and-set names the
 * fence that it knows. `digest` lets `verify` name a checkpoint that was changed by hand.
 */
const TABLES = `
CREATE SCHEMA projection;
CREATE TABLE projection.pointer (
  one             boolean PRIMARY KEY DEFAULT true CHECK (one),
  current         jsonb   NOT NULL DEFAULT '{}',
  previous        jsonb,
  last_generation integer NOT NULL DEFAULT 0
);
INSERT INTO projection.pointer DEFAULT VALUES;
CREATE TABLE projection.checkpoint (
  generation integer NOT NULL,
  projection text    COLLATE "C" NOT NULL,
  position   text    COLLATE "C" NOT NULL,
  events     bigint  NOT NULL,
  fence      integer NOT NULL,
  shape      text    NOT NULL,
  digest     text    NOT NULL,
  PRIMARY KEY (generation, projection)
) WITH (fillfactor = 20);
CREATE TABLE projection.parked (
  generation     integer NOT NULL,
  projection     text    COLLATE "C" NOT NULL,
  key            text    COLLATE "C" NOT NULL,
  after_position text    COLLATE "C" NOT NULL,
  first_position text    COLLATE "C" NOT NULL,
  error          text    NOT NULL,
  attempts       integer NOT NULL,
  events         bigint  NOT NULL,
  PRIMARY KEY (generation, projection, key)
);
CREATE TABLE projection.runner (
  owner      text        PRIMARY KEY,
  expires_at timestamptz NOT NULL
);
CREATE TABLE projection.lease (
  projection text COLLATE "C" PRIMARY KEY,
  owner      text NOT NULL
);
`;

/**
 * A runner says that it lives and gets the projections that it should work on: those that it
 * holds, less what is more than its share, and free ones up to its share. Leases of a runner that
 * did not say so in time are free. Leases only save work; the checkpoint decides.
 */
const LEASES = `
CREATE FUNCTION projection.renew_leases(in_owner text, in_projections text[], in_ttl_ms integer)
RETURNS text[] LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
DECLARE
  now_at timestamptz;
  share  integer;
BEGIN
  PERFORM pg_advisory_xact_lock(7882826979823183976);
  now_at := clock_timestamp();
  INSERT INTO projection.runner AS r (owner, expires_at)
    VALUES (in_owner, now_at + in_ttl_ms * interval '1 millisecond')
    ON CONFLICT (owner) DO UPDATE SET expires_at = excluded.expires_at;
  DELETE FROM projection.runner WHERE expires_at < now_at;
  DELETE FROM projection.lease l
    WHERE NOT EXISTS (SELECT FROM projection.runner r WHERE r.owner = l.owner);
  SELECT ceil(cardinality(in_projections)::numeric / count(*)) INTO share
    FROM projection.runner;
  DELETE FROM projection.lease WHERE projection IN (
    SELECT l.projection FROM projection.lease l
     WHERE l.owner = in_owner ORDER BY l.projection OFFSET share);
  INSERT INTO projection.lease (projection, owner)
    SELECT p, in_owner FROM unnest(in_projections) AS p
     WHERE NOT EXISTS (SELECT FROM projection.lease l WHERE l.projection = p)
     ORDER BY p
     LIMIT greatest(0, share - (SELECT count(*) FROM projection.lease l WHERE l.owner = in_owner));
  RETURN ARRAY(SELECT l.projection FROM projection.lease l
                WHERE l.owner = in_owner AND l.projection = ANY (in_projections));
END $$;

CREATE FUNCTION projection.release_leases(in_owner text)
RETURNS void LANGUAGE sql VOLATILE SET search_path = pg_catalog AS $$
  SELECT pg_advisory_xact_lock(7882826979823183976);
  DELETE FROM projection.lease WHERE owner = in_owner;
  DELETE FROM projection.runner WHERE owner = in_owner;
$$;
`;

const PRIVILEGES = `
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA projection FROM PUBLIC;
GRANT USAGE ON SCHEMA projection TO merit_app;
GRANT SELECT, UPDATE ON projection.pointer TO merit_app;
GRANT SELECT, INSERT, UPDATE, DELETE
  ON projection.checkpoint, projection.parked, projection.runner, projection.lease TO merit_app;
GRANT EXECUTE ON FUNCTION projection.renew_leases, projection.release_leases TO merit_app;
`;
