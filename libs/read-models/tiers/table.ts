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

  /** From here on: null until the cycle is published. */
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

/** Cycles whose results are in effect. */
@Entity({ name: 'tier_cycle' })
export class TierCycleRow {
  @PrimaryColumn({ name: 'period', type: 'text', collation: 'C' })
  period!: string;
}
