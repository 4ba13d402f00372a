import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Secrets of the system that outlive a rotation of the key-encryption key, kept beside the data
 * keys and wrapped as they are: the key of the requests' HMACs, for one.
 */
export class Secrets1760000500000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLE);
  }

  down(): Promise<void> {
    throw new Error('forward only');
  }
}

const TABLE = `
CREATE TABLE keys.secrets (
  name       text COLLATE "C" PRIMARY KEY,
  wrapped    bytea NOT NULL,
  wrapped_by text COLLATE "C" NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
REVOKE ALL ON keys.secrets FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE ON keys.secrets TO merit_app;
`;
