import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Data keys of personal texts (adr/0004). A schema of its own, so that it can lie in another
 * database and is backed up apart from the log: a backup of the log alone brings no text back.
 */
export class PersonalKeys1760000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE SCHEMA IF NOT EXISTS keys');
    await runner.query(TABLES);
    await runner.query(FUNCTIONS);
    await runner.query(PRIVILEGES);
  }

  down(): Promise<void> {
    throw new Error('forward only');
  }
}

/** A destroyed key leaves its row, without the key: its texts read as erased, not as an error. */
const TABLES = `
CREATE TABLE keys.data_keys (
  key_id       text COLLATE "C" PRIMARY KEY,
  subject      text COLLATE "C" NOT NULL,
  purpose      text COLLATE "C" NOT NULL,
  wrapped      bytea,
  wrapped_by   text COLLATE "C",  -- name of the key-encryption key
  created_at   timestamptz NOT NULL DEFAULT now(),
  destroyed_at timestamptz,
  UNIQUE (subject, purpose),
  CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL)),
  CHECK ((wrapped IS NULL) = (wrapped_by IS NULL))
);
CREATE INDEX data_keys_by_wrapping ON keys.data_keys (wrapped_by, key_id);
CREATE TABLE keys.erased_subjects (
  subject   text COLLATE "C" PRIMARY KEY,
  erased_at timestamptz NOT NULL DEFAULT now()
);
`;

/**
 * Makers of keys share a lock that an erasure takes alone: without it a key could be inserted by
 * a statement that began before the erasure and committed after it. The lock is a statement of its
 * own, so that the next one sees what its previous holder committed. Rows go in by the order of
 * their owners: two makers that insert the same ones in different orders would deadlock.
 */
const FUNCTIONS = `
CREATE FUNCTION keys.make_missing(
  in_subjects text[], in_purposes text[], in_ids text[], in_wrapped bytea[], in_wrapped_by text
) RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7882826979823183979);
  INSERT INTO keys.data_keys (key_id, subject, purpose, wrapped, wrapped_by)
  SELECT m.id, m.subject, m.purpose, m.wrapped, in_wrapped_by
    FROM unnest(in_subjects, in_purposes, in_ids, in_wrapped) AS m(subject, purpose, id, wrapped)
   WHERE NOT EXISTS (SELECT FROM keys.erased_subjects e WHERE e.subject = m.subject COLLATE "C")
   ORDER BY m.subject COLLATE "C", m.purpose COLLATE "C"
      ON CONFLICT (subject, purpose) DO NOTHING;
END $$;

CREATE FUNCTION keys.destroy_subject(in_subject text)
RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(7882826979823183979);
  INSERT INTO keys.erased_subjects (subject) VALUES (in_subject) ON CONFLICT DO NOTHING;
  UPDATE keys.data_keys SET wrapped = NULL, wrapped_by = NULL, destroyed_at = now()
   WHERE subject = in_subject COLLATE "C" AND wrapped IS NOT NULL;
  PERFORM pg_notify('merit_keys', '');
END $$;
`;

const PRIVILEGES = `
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA keys FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA keys FROM PUBLIC;
GRANT USAGE ON SCHEMA keys TO merit_app;
GRANT SELECT, INSERT, UPDATE ON keys.data_keys TO merit_app;
GRANT SELECT, INSERT ON keys.erased_subjects TO merit_app;
GRANT EXECUTE ON FUNCTION keys.make_missing, keys.destroy_subject TO merit_app;
`;
