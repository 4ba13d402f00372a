import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A digest of the pointer, as checkpoints have one: `verify` names a pointer that was changed by
 * hand. Without it a false `previous` shows first when somebody steps back to it.
 */
export class PointerDigest1760000200000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `ALTER TABLE projection.pointer ADD COLUMN pointer_digest text NOT NULL DEFAULT ''`,
    );
    await runner.query(
      `UPDATE projection.pointer
          SET pointer_digest =
            md5(concat_ws('|', current, coalesce(previous, 'null'), last_generation))`,
    );
  }

  down(): Promise<void> {
    throw new Error('forward only');
  }
}
