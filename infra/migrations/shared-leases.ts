import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Runners need not work on the same projections: a new release has one more, a process works on
 * some alone. A share counted over all then left projections that nobody took, and what waited for
 * them waited for ever. Now each says what it works on, and takes what no other runner, below its
 * own share, could take.
 */
export class SharedLeases1760000600000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLE);
    await runner.query(LEASES);
  }

  down(): Promise<void> {
    throw new Error('forward only');
  }
}

/** A runner of the release before says nothing: it is never waited for. */
const TABLE = `ALTER TABLE projection.runner ADD COLUMN projections text[] NOT NULL DEFAULT '{}'`;

/**
 * A runner says that it lives and what it works on, and gets the projections that it should work
 * on now: those that it holds, less what is more than its share and others could take, and free
 * ones up to its share, or beyond it where nobody else could. Leases of a runner that did not say
 * so in time are free. Leases only save work; the checkpoint decides.
 */
const LEASES = `
CREATE FUNCTION projection.share_of(in_projections text[])
RETURNS integer LANGUAGE sql VOLATILE SET search_path = pg_catalog AS $$
  SELECT ceil(cardinality(in_projections)::numeric / count(*))::integer FROM projection.runner;
$$;

CREATE FUNCTION projection.others_want(in_owner text, in_projection text)
RETURNS boolean LANGUAGE sql VOLATILE SET search_path = pg_catalog AS $$
  SELECT EXISTS (
    SELECT FROM projection.runner r
     WHERE r.owner <> in_owner AND in_projection = ANY (r.projections)
       AND (SELECT count(*) FROM projection.lease l WHERE l.owner = r.owner)
           < projection.share_of(r.projections));
$$;

CREATE OR REPLACE FUNCTION projection.renew_leases(
  in_owner text, in_projections text[], in_ttl_ms integer)
RETURNS text[] LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
DECLARE
  now_at timestamptz;
  share  integer;
  held   integer;
  one    text;
BEGIN
  PERFORM pg_advisory_xact_lock(7882826979823183976);
  now_at := clock_timestamp();
  INSERT INTO projection.runner AS r (owner, expires_at, projections)
    VALUES (in_owner, now_at + in_ttl_ms * interval '1 millisecond', in_projections)
    ON CONFLICT (owner) DO UPDATE
      SET expires_at = excluded.expires_at, projections = excluded.projections;
  DELETE FROM projection.runner WHERE expires_at < now_at;
  DELETE FROM projection.lease l
    WHERE NOT EXISTS (SELECT FROM projection.runner r WHERE r.owner = l.owner);
  share := projection.share_of(in_projections);
  SELECT count(*) INTO held FROM projection.lease WHERE owner = in_owner;
  -- What it holds, the last first, then what is free, the first first.
  FOR one IN
    (SELECT l.projection FROM projection.lease l WHERE l.owner = in_owner
      ORDER BY l.projection DESC)
  LOOP
    EXIT WHEN held <= share;
    CONTINUE WHEN NOT projection.others_want(in_owner, one);
    DELETE FROM projection.lease WHERE projection = one;
    held := held - 1;
  END LOOP;
  FOR one IN
    (SELECT p FROM unnest(in_projections) AS p
      WHERE NOT EXISTS (SELECT FROM projection.lease l WHERE l.projection = p) ORDER BY p)
  LOOP
    CONTINUE WHEN held >= share AND projection.others_want(in_owner, one);
    INSERT INTO projection.lease (projection, owner) VALUES (one, in_owner);
    held := held + 1;
  END LOOP;
  RETURN ARRAY(SELECT l.projection FROM projection.lease l
                WHERE l.owner = in_owner AND l.projection = ANY (in_projections));
END $$;

REVOKE ALL ON FUNCTION projection.share_of, projection.others_want FROM PUBLIC;
GRANT EXECUTE ON FUNCTION projection.share_of, projection.others_want TO merit_app;
`;
