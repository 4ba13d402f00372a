import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The event log: one table, one function that appends to it, and triggers that refuse every other
 * change (adr/0003). Its owner migrates; `merit_app` may select and insert and owns nothing.
 */
export class EventLog1760000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE SCHEMA IF NOT EXISTS log');
    await runner.query(TABLE);
    await runner.query(APPEND_ONLY);
    await runner.query(APPEND_BATCH);
    await runner.query(PRIVILEGES);
  }

  down(): Promise<void> {
    throw new Error('forward only');
  }
}

/**
 * Data, metadata: exact RFC 8785 texts (jsonb would not keep their bytes). Collation "C" compares
 * bytes: half the cost of the default on the stream index, and the same on every system.
 *
 * The partial index serves readers that want no assessment stream: those streams are nearly the
 * whole log (23 M events a month), and a reader of cycles or appeals must not walk through them.
 */
const TABLE = `
CREATE TABLE log.events (
  position   bigint      NOT NULL PRIMARY KEY CHECK (position > 0),
  stored_at  timestamptz NOT NULL,
  revision   integer     NOT NULL CHECK (revision >= 0),
  event_id   uuid        NOT NULL UNIQUE,
  stream     text        COLLATE "C" NOT NULL,
  type       text        COLLATE "C" NOT NULL,
  data       text        COLLATE "C" NOT NULL,
  metadata   text        COLLATE "C" NOT NULL,
  leaf_hash  bytea       NOT NULL CHECK (octet_length(leaf_hash) = 32),
  UNIQUE (stream, revision)
);
CREATE INDEX events_outside_assessment ON log.events (position)
  WHERE NOT starts_with(stream, 'assessment-');
`;

/** ALWAYS: also for a session that plays a replica, which skips ordinary triggers. */
const APPEND_ONLY = `
CREATE FUNCTION log.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the event log is append-only: % refused', TG_OP
    USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log.events
  FOR EACH STATEMENT EXECUTE FUNCTION log.refuse_change();
ALTER TABLE log.events ENABLE ALWAYS TRIGGER append_only;
`;

/**
 * Appends a batch of appends; each gets its own outcome, a refused one harms no other.
 *
 * Numbers are 1-based. \`expected\`: -1 the stream must not exist, -2 any, -3 it must exist, else
 * the exact last revision. Outcomes: 0 appended, 1 repeated, 2 revision conflict (the actual
 * revision stands in \`revisions\`, -1 for no stream), 3 event id reused (\`clashes\` lists the
 * numbers of those events). Revisions and positions are those of an append's last event.
 *
 * The lock is a statement of its own: a statement sees what was committed when it began, so only
 * the statements after it see the rows of the lock's previous holder. That needs a snapshot per
 * statement, hence the check of the isolation level. The lock goes after the commit, so lock order
 * is commit order and readers meet no gaps.
 *
 * Plans are pinned to index look-ups: one made while the table was empty would keep scanning it.
 */
const APPEND_BATCH = `
CREATE FUNCTION log.append_batch(
  in_streams         text[],  -- distinct streams of the batch
  in_append_stream   int[],   -- per append: number of its stream
  in_append_expected int[],   -- per append
  in_append_size     int[],   -- per append: count of its events
  in_event_append    int[],   -- per event: number of its append, never falling
  in_event_ids       uuid[],
  in_types           text[],
  in_data            text[],
  in_metadata        text[],
  in_leaf_heads      bytea[], -- leaf bytes up to the revision
  in_leaf_tails      bytea[], -- leaf bytes after the value of storedAt
  OUT stored_at text, OUT outcomes int[], OUT revisions int[], OUT positions bigint[],
  OUT clashes int[]
)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $$
DECLARE
  appends    constant int := cardinality(in_append_stream);
  events     constant int := cardinality(in_event_ids);
  head       bigint;
  last_at    timestamptz;
  now_at     timestamptz;
  tips       int[];   -- per stream: its last revision, -1 for none
  from_position bigint[] := array_fill(0::bigint, ARRAY[appends]);
  from_revision int[] := array_fill(0, ARRAY[appends]);
  first_event int := 1;
  next_position bigint;
  known      boolean;
  s int; tip int; want int; size int;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'log.append_batch needs READ COMMITTED';
  END IF;
  PERFORM pg_advisory_xact_lock(7882826979823183975);

  outcomes := array_fill(0, ARRAY[appends]);
  revisions := array_fill(-1, ARRAY[appends]);
  positions := array_fill(0::bigint, ARRAY[appends]);
  SELECT e.position, e.stored_at INTO head, last_at
    FROM log.events e ORDER BY e.position DESC LIMIT 1;
  head := coalesce(head, 0);
  next_position := head + 1;
  -- Clocks step back; storedAt never falls along the log.
  now_at := greatest(clock_timestamp(), last_at);
  stored_at := to_char(now_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

  SELECT EXISTS (
    SELECT FROM unnest(in_event_ids) AS i(id) JOIN log.events e ON e.event_id = i.id
  ) INTO known;
  IF known THEN
    SELECT k.outcomes, k.revisions, k.positions, k.clashes
      INTO outcomes, revisions, positions, clashes
      FROM log.known_appends(in_streams, in_append_stream, in_append_size, in_event_append,
        in_event_ids, in_types, in_data) AS k;
  END IF;

  SELECT array_agg(coalesce(t.revision, -1) ORDER BY i.n) INTO tips
    FROM unnest(in_streams) WITH ORDINALITY AS i(stream, n)
    LEFT JOIN LATERAL (
      SELECT e.revision FROM log.events e
       WHERE e.stream = i.stream COLLATE "C" ORDER BY e.revision DESC LIMIT 1
    ) AS t ON true;

  FOR a IN 1 .. appends LOOP
    size := in_append_size[a];
    IF outcomes[a] = 0 THEN
      s := in_append_stream[a];
      tip := tips[s];
      want := in_append_expected[a];
      IF want = -2 OR want = tip OR (want = -3 AND tip >= 0) THEN
        from_position[a] := next_position - first_event;
        from_revision[a] := tip + 1 - first_event;
        next_position := next_position + size;
        tips[s] := tip + size;
        revisions[a] := tip + size;
        positions[a] := next_position - 1;
      ELSE
        outcomes[a] := 2;
        revisions[a] := tip;
      END IF;
    END IF;
    first_event := first_event + size;
  END LOOP;

  IF next_position > head + 1 THEN
    INSERT INTO log.events
      (position, stored_at, revision, event_id, stream, type, data, metadata, leaf_hash)
    SELECT from_position[a] + n, now_at, from_revision[a] + n, in_event_ids[n],
           in_streams[in_append_stream[a]], in_types[n], in_data[n], in_metadata[n],
           sha256(in_leaf_heads[n]
             || convert_to((from_revision[a] + n)::text || ',"storedAt":"' || stored_at || '"',
                  'UTF8')
             || in_leaf_tails[n])
      FROM (SELECT n, in_event_append[n] AS a FROM generate_series(1, events) AS n OFFSET 0) AS e
     WHERE outcomes[a] = 0;
    PERFORM pg_notify('merit_log', (next_position - 1)::text);
  END IF;
END $$;

-- What the log already holds of a batch: appends whose events are all there, in one run and with
-- the same content, are repeated; any other append that meets a known id is refused.
CREATE FUNCTION log.known_appends(
  in_streams text[], in_append_stream int[], in_append_size int[], in_event_append int[],
  in_event_ids uuid[], in_types text[], in_data text[],
  OUT outcomes int[], OUT revisions int[], OUT positions bigint[], OUT clashes int[]
)
LANGUAGE sql STABLE
SET search_path = pg_catalog
SET enable_seqscan = off
AS $$
  WITH known AS (
    SELECT i.a, i.n, e.revision, e.position,
           e.stream = in_streams[in_append_stream[i.a]] AND e.type = in_types[i.n]
             AND e.data = in_data[i.n] AS same,
           e.revision - i.n AS run
      FROM unnest(in_event_ids, in_event_append) WITH ORDINALITY AS i(id, a, n)
      JOIN log.events e ON e.event_id = i.id
  ), judged AS (
    SELECT a, max(revision) AS revision, max(position) AS position,
           count(*) = in_append_size[a] AND bool_and(same) AND min(run) = max(run) AS repeated,
           count(*) = in_append_size[a] AND NOT bool_and(same) AS only_differing
      FROM known GROUP BY a
  )
  SELECT array_agg(CASE WHEN j.a IS NULL THEN 0 WHEN j.repeated THEN 1 ELSE 3 END ORDER BY g.a),
         array_agg(CASE WHEN j.repeated THEN j.revision ELSE -1 END ORDER BY g.a),
         array_agg(CASE WHEN j.repeated THEN j.position ELSE 0 END ORDER BY g.a),
         (SELECT array_agg(k.n::int ORDER BY k.n) FROM known k JOIN judged j ON j.a = k.a
           WHERE NOT j.repeated AND NOT (j.only_differing AND k.same))
    FROM generate_series(1, cardinality(in_append_stream)) AS g(a)
    LEFT JOIN judged j ON j.a = g.a
$$;
`;

const PRIVILEGES = `
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA log FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA log FROM PUBLIC;
GRANT USAGE ON SCHEMA log TO merit_app;
GRANT SELECT, INSERT ON log.events TO merit_app;
GRANT EXECUTE ON FUNCTION log.append_batch, log.known_appends TO merit_app;
`;
