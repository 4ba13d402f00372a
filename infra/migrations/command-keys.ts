import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The keys of requests (adr/0012): an index that finds the event that answers a keyed request, and
 * an append that looks the keys up under its lock.
 */
export class CommandKeys1760000400000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(INDEX);
    await runner.query(APPEND_BATCH);
  }

  down(): Promise<void> {
    throw new Error('forward only');
  }
}

/**
 * The key is read out of the metadata, which the leaf hash covers: a column beside it could be
 * changed. `requestHmac` stands in the metadata of keyed answers alone, and in no string: within
 * one, a quotation mark has a backslash before it. What is indexed is the key's JSON text.
 */
const INDEX = String.raw`
CREATE UNIQUE INDEX events_by_command_key
  ON log.events (substring(metadata FROM '"commandId":("(?:[^"\\]|\\.)*")'))
  WHERE strpos(metadata, '"requestHmac":') > 0
`;

/**
 * As it was (event-log.ts), and: an append of which the log holds the key of a request already,
 * and not the same events, has outcome 4; `clashes` lists the numbers of the events with such keys.
 */
const APPEND_BATCH = String.raw`
CREATE OR REPLACE FUNCTION log.append_batch(
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
  keyed      int[];   -- events whose request's key the log holds
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

  SELECT array_agg(k.n::int ORDER BY k.n) INTO keyed
    FROM (
      SELECT m.n, substring(m.metadata FROM '"commandId":("(?:[^"\\]|\\.)*")') AS key
        FROM unnest(in_metadata) WITH ORDINALITY AS m(metadata, n)
       WHERE strpos(m.metadata, '"requestHmac":') > 0 OFFSET 0
    ) AS k
   WHERE EXISTS (
      SELECT FROM log.events e
       WHERE strpos(e.metadata, '"requestHmac":') > 0
         AND substring(e.metadata FROM '"commandId":("(?:[^"\\]|\\.)*")')
             = k.key COLLATE "C"
    );
  IF keyed IS NOT NULL THEN
    FOREACH s IN ARRAY keyed LOOP
      IF outcomes[in_event_append[s]] IN (0, 4) THEN
        outcomes[in_event_append[s]] := 4;
        clashes := array_append(clashes, s);
      END IF;
    END LOOP;
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
`;
