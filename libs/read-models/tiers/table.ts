import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One person's tier in one period, and what the period's result made of it. */
@Entity({ name: 'tier_period' })
export class TierPeriodRow {
  @PrimaryColumn({ name: 'account_manager_id', type: 'text', collation: 'C' })
  accountManagerId!: string;

  @PrimaryColumn({ name: 'period', type: 'text', collation: 'C' })
  period!: string;

  /** Capabilities on the period's last day, as frozen: a JSON array. */
  @Column({ name: 'capabilities', type: 'text', nullable: true })
  capabilities!: string | null;

  @Column({ name: 'scheme_id', type: 'text', nullable: true })
  schemeId!: string | null;

  @Column({ name: 'scheme_version', type: 'integer', nullable: true })
  schemeVersion!: number | null;

  @Column({ name: 'status', type: 'text', nullable: true })
  status!: string | null;

  @Column({ name: 'grade', type: 'text', nullable: true })
  grade!: string | null;

  /** The latest version's event, and where it stands in the log. */
  @Column({ name: 'result_event_id', type: 'uuid', nullable: true })
  resultEventId!: string | null;

  @Column({ name: 'result_position', type: 'text', collation: 'C', nullable: true })
  resultPosition!: string | null;

  /** From here on: null until the cycle is published. */
  @Column({ name: 'effective_position', type: 'text', collation: 'C', nullable: true })
  effectivePosition!: string | null;

  @Column({ name: 'tier', type: 'integer', nullable: true })
  tier!: number | null;

  @Column({ name: 'next_tier', type: 'integer', nullable: true })
  nextTier!: number | null;

  @Column({ name: 'movement', type: 'text', nullable: true })
  movement!: string | null;

  @Column({ name: 'streak', type: 'integer', nullable: true })
  streak!: number | null;

  /** Missing capabilities in gate order: a JSON array. */
  @Column({ name: 'promotion_withheld', type: 'text', nullable: true })
  promotionWithheld!: string | null;

  @Column({ name: 'improvement_plan_required', type: 'boolean', nullable: true })
  improvementPlanRequired!: boolean | null;

  /** The state after the period, from which the next one goes on: JSON. */
  @Column({ name: 'state', type: 'text', nullable: true })
  state!: string | null;
}

/** Cycles whose results are in effect, and of the publication where and when it was. */
@Entity({ name: 'tier_cycle' })
export class TierCycleRow {
  @PrimaryColumn({ name: 'period', type: 'text', collation: 'C' })
  period!: string;

  @Column({ name: 'published_position', type: 'text', collation: 'C' })
  publishedPosition!: string;

  @Column({ name: 'occurred_at', type: 'text', collation: 'C' })
  occurredAt!: string;

  @Column({ name: 'recorded_at', type: 'text', collation: 'C' })
  recordedAt!: string;
}

/**
 * What one event in effect moved of one person's tier, in the order of the log: what goes out.
 * Read by the primary key, which is that order.
 */
@Entity({ name: 'tier_move' })
export class TierMoveRow {
  /** Where it takes effect: `CyclePublished`, `ResultCorrected`, or what ended an employment. */
  @PrimaryColumn({ name: 'position', type: 'text', collation: 'C' })
  position!: string;

  @PrimaryColumn({ name: 'account_manager_id', type: 'text', collation: 'C' })
  accountManagerId!: string;

  /** `result`, or `leaving`: the person is gone (no `current`), or not gone after all. */
  @PrimaryColumn({ name: 'cause', type: 'text', collation: 'C' })
  cause!: string;

  /** `ResultPublished`, `ResultCorrected` or `AccountManagerLeft`. */
  @Column({ name: 'event_id', type: 'uuid' })
  eventId!: string;

  @Column({ name: 'occurred_at', type: 'text', collation: 'C' })
  occurredAt!: string;

  /** The tier's change, JSON; null: the tier stayed. */
  @Column({ name: 'change', type: 'text', collation: 'C', nullable: true })
  change!: string | null;

  /** Where the person stands from here on, JSON; null: as before, or not there any more. */
  @Column({ name: 'current', type: 'text', collation: 'C', nullable: true })
  current!: string | null;
}

/** Last days in employment, as recorded; the latest holds. */
@Entity({ name: 'tier_leaving' })
export class TierLeavingRow {
  @PrimaryColumn({ name: 'account_manager_id', type: 'text', collation: 'C' })
  accountManagerId!: string;

  @PrimaryColumn({ name: 'position', type: 'text', collation: 'C' })
  position!: string;

  @Column({ name: 'event_id', type: 'uuid' })
  eventId!: string;

  @Column({ name: 'left_on', type: 'text', collation: 'C' })
  leftOn!: string;

  @Column({ name: 'occurred_at', type: 'text', collation: 'C' })
  occurredAt!: string;

  @Column({ name: 'recorded_at', type: 'text', collation: 'C' })
  recordedAt!: string;

  /** Where somebody with a tier was found gone; null: not yet. */
  @Column({ name: 'gone_position', type: 'text', collation: 'C', nullable: true })
  gonePosition!: string | null;
}

/** Events of cycles: each is a time at which it is looked whose last day has passed. */
@Entity({ name: 'tier_cycle_event' })
export class TierCycleEventRow {
  @PrimaryColumn({ name: 'position', type: 'text', collation: 'C' })
  position!: string;

  @Column({ name: 'recorded_at', type: 'text', collation: 'C' })
  recordedAt!: string;
}
