import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** One act by which somebody departed from what the rules alone would have given. */
@Entity({ name: 'override_entry' })
@Index('override_entry_period', ['period', 'atKey', 'entryId'])
export class OverrideEntryRow {
  /** The id of its event; of an incomplete person, of the result. */
  @PrimaryColumn({ name: 'entry_id', type: 'text', collation: 'C' })
  entryId!: string;

  @Column({ name: 'period', type: 'text', collation: 'C' })
  period!: string;

  @Column({ name: 'kind', type: 'text', collation: 'C' })
  kind!: string;

  @Column({ name: 'account_manager_id', type: 'text', collation: 'C', nullable: true })
  accountManagerId!: string | null;

  /** The adjustment's, veto's, appeal's, correction's or proposal's own id. */
  @Column({ name: 'record_id', type: 'text', collation: 'C', nullable: true })
  recordId!: string | null;

  @Column({ name: 'actor_id', type: 'text', collation: 'C' })
  actorId!: string;

  @Column({ name: 'approver_id', type: 'text', collation: 'C', nullable: true })
  approverId!: string | null;

  @Column({ name: 'at', type: 'text', collation: 'C' })
  at!: string;

  /** `at` as a text that sorts in time. */
  @Column({ name: 'at_key', type: 'text', collation: 'C' })
  atKey!: string;

  /** The event that says why, sealed in the log; null: nobody was asked. */
  @Column({ name: 'reason_event_id', type: 'text', collation: 'C', nullable: true })
  reasonEventId!: string | null;

  /** Figures and codes, RFC 8785; no personal texts. */
  @Column({ name: 'detail', type: 'text', collation: 'C' })
  detail!: string;

  /** False: proposed and not approved, or an incomplete result that nobody has published. */
  @Column({ name: 'is_effective', type: 'boolean' })
  isEffective!: boolean;
}

/** Who published a period over its incomplete people; they are listed once it is published. */
@Entity({ name: 'override_cycle' })
export class OverrideCycleRow {
  @PrimaryColumn({ name: 'period', type: 'text', collation: 'C' })
  period!: string;

  @Column({ name: 'acknowledged_by', type: 'text', collation: 'C', nullable: true })
  acknowledgedBy!: string | null;

  @Column({ name: 'started_at', type: 'text', collation: 'C' })
  startedAt!: string;

  @Column({ name: 'started_key', type: 'text', collation: 'C' })
  startedKey!: string;

  @Column({ name: 'started_event_id', type: 'text', collation: 'C' })
  startedEventId!: string;

  @Column({ name: 'is_published', type: 'boolean' })
  isPublished!: boolean;
}
