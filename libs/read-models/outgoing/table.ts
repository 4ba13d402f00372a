import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One version of a result with what goes out of it. It goes out where its step stands. */
@Entity({ name: 'outgoing_result' })
export class OutgoingResultRow {
  @PrimaryColumn({ name: 'period', type: 'text', collation: 'C' })
  period!: string;

  @PrimaryColumn({ name: 'version', type: 'integer' })
  version!: number;

  @PrimaryColumn({ name: 'account_manager_id', type: 'text', collation: 'C' })
  accountManagerId!: string;

  @Column({ name: 'event_id', type: 'uuid' })
  eventId!: string;

  /** What the message carries beside the key's columns: JSON. */
  @Column({ name: 'content', type: 'text', collation: 'C' })
  content!: string;
}

/** A place in the log at which something goes out: read in the order of the positions. */
@Entity({ name: 'outgoing_step' })
export class OutgoingStepRow {
  @PrimaryColumn({ name: 'position', type: 'text', collation: 'C' })
  position!: string;

  /** `cycle`: the first results of `period`; `correction`: one result; `batch`: its messages. */
  @Column({ name: 'kind', type: 'text', collation: 'C' })
  kind!: string;

  @Column({ name: 'occurred_at', type: 'text', collation: 'C' })
  occurredAt!: string;

  @Column({ name: 'period', type: 'text', collation: 'C', nullable: true })
  period!: string | null;

  @Column({ name: 'version', type: 'integer', nullable: true })
  version!: number | null;

  @Column({ name: 'account_manager_id', type: 'text', collation: 'C', nullable: true })
  accountManagerId!: string | null;

  @Column({ name: 'batch_id', type: 'text', collation: 'C', nullable: true })
  batchId!: string | null;
}
