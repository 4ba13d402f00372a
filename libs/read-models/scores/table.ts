import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** One version of one person's published result, as its event says it. */
@Entity({ name: 'score_result' })
@Index('score_result_period', ['period', 'accountManagerId', 'version'])
@Index('score_result_recorded', ['period'], { where: 'effective_position is null' })
export class ScoreResultRow {
  @PrimaryColumn({ name: 'account_manager_id', type: 'text', collation: 'C' })
  accountManagerId!: string;

  @PrimaryColumn({ name: 'period', type: 'text', collation: 'C' })
  period!: string;

  @PrimaryColumn({ name: 'version', type: 'integer' })
  version!: number;

  @Column({ name: 'event_id', type: 'uuid' })
  eventId!: string;

  @Column({ name: 'position', type: 'text', collation: 'C' })
  position!: string;

  /**
   * From where on it is seen: `CyclePublished` for version 1. Null: recorded, not yet published.
   */
  @Column({ name: 'effective_position', type: 'text', collation: 'C', nullable: true })
  effectivePosition!: string | null;

  @Column({ name: 'recorded_at', type: 'text', collation: 'C' })
  recordedAt!: string;

  /** `recorded_at` and the event's `storedAt` as texts that sort in time, for as-of. */
  @Column({ name: 'recorded_key', type: 'text', collation: 'C' })
  recordedKey!: string;

  @Column({ name: 'stored_key', type: 'text', collation: 'C' })
  storedKey!: string;

  @Column({ name: 'status', type: 'text', collation: 'C' })
  status!: string;

  @Column({ name: 'score', type: 'numeric', nullable: true })
  score!: string | null;

  @Column({ name: 'grade', type: 'text', collation: 'C', nullable: true })
  grade!: string | null;

  /** The event's data, RFC 8785. */
  @Column({ name: 'body', type: 'text', collation: 'C' })
  body!: string;
}

/** What a person's score would be now, of a period that is not published. */
@Entity({ name: 'provisional_score' })
export class ProvisionalScoreRow {
  @PrimaryColumn({ name: 'account_manager_id', type: 'text', collation: 'C' })
  accountManagerId!: string;

  @PrimaryColumn({ name: 'period', type: 'text', collation: 'C' })
  period!: string;

  @Column({ name: 'status', type: 'text', collation: 'C' })
  status!: string;

  @Column({ name: 'score', type: 'numeric', nullable: true })
  score!: string | null;

  @Column({ name: 'grade', type: 'text', collation: 'C', nullable: true })
  grade!: string | null;

  /** Scheme, days, indicators and total, RFC 8785. */
  @Column({ name: 'body', type: 'text', collation: 'C' })
  body!: string;
}

/** Cycles whose results are in effect, for results that are projected later than their cycle. */
@Entity({ name: 'score_cycle' })
export class ScoreCycleRow {
  @PrimaryColumn({ name: 'period', type: 'text', collation: 'C' })
  period!: string;

  @Column({ name: 'published_position', type: 'text', collation: 'C' })
  publishedPosition!: string;

  /** When `CyclePublished` was recorded and stored, as texts that sort in time. */
  @Column({ name: 'recorded_key', type: 'text', collation: 'C' })
  recordedKey!: string;

  @Column({ name: 'stored_key', type: 'text', collation: 'C' })
  storedKey!: string;
}
