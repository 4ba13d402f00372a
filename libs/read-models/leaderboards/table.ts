import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/**
 * One person on one board: the figures of the ranking order. Neither place nor rank is stored.
 * Exact figures stand as numerics cut to 40 decimals for the index, and as fractions for ties.
 */
@Entity({ name: 'board_entry' })
@Index('board_entry_order', [
  'period',
  'unitId',
  'schemeId',
  'score',
  'heaviest',
  'feedback',
  'deducted',
  'earlierScore',
  'hash',
])
@Index('board_entry_person', ['accountManagerId', 'period'])
export class BoardEntryRow {
  @PrimaryColumn({ name: 'period', type: 'text', collation: 'C' })
  period!: string;

  @PrimaryColumn({ name: 'unit_id', type: 'text', collation: 'C' })
  unitId!: string; // `*`: the company

  @PrimaryColumn({ name: 'scheme_id', type: 'text', collation: 'C' })
  schemeId!: string;

  @PrimaryColumn({ name: 'account_manager_id', type: 'text', collation: 'C' })
  accountManagerId!: string;

  @Column({ name: 'provisional', type: 'boolean' })
  provisional!: boolean;

  /**
   * The figures negated where higher is better, so that one rising index serves; null ranks last.
   */
  @Column({ name: 'score', type: 'numeric' })
  score!: string;

  @Column({ name: 'heaviest', type: 'numeric', nullable: true })
  heaviest!: string | null;

  @Column({ name: 'feedback', type: 'numeric', nullable: true })
  feedback!: string | null;

  @Column({ name: 'deducted', type: 'numeric' })
  deducted!: string;

  @Column({ name: 'earlier_score', type: 'numeric', nullable: true })
  earlierScore!: string | null;

  @Column({ name: 'hash', type: 'text', collation: 'C' })
  hash!: string;

  @Column({ name: 'heaviest_exact', type: 'text', collation: 'C', nullable: true })
  heaviestExact!: string | null;

  @Column({ name: 'feedback_exact', type: 'text', collation: 'C', nullable: true })
  feedbackExact!: string | null;
}

/** How many people of a board hold a rounded score: a rank is 1 + the count above. */
@Entity({ name: 'board_score_count' })
export class BoardScoreCountRow {
  @PrimaryColumn({ name: 'period', type: 'text', collation: 'C' })
  period!: string;

  @PrimaryColumn({ name: 'unit_id', type: 'text', collation: 'C' })
  unitId!: string;

  @PrimaryColumn({ name: 'scheme_id', type: 'text', collation: 'C' })
  schemeId!: string;

  @PrimaryColumn({ name: 'score', type: 'numeric' })
  score!: string;

  @Column({ name: 'count', type: 'integer' })
  @Index('board_score_count_empty', { where: 'count = 0' })
  count!: number;
}

/**
 * One person's score in one indicator, for everybody who stands on a board: what boards by an
 * indicator are read from. Which boards a person stands on is told by `board_entry`.
 */
@Entity({ name: 'indicator_standing' })
@Index('indicator_standing_order', [
  'period',
  'schemeId',
  'indicatorId',
  'score',
  'exact',
  'accountManagerId',
])
export class IndicatorStandingRow {
  @PrimaryColumn({ name: 'account_manager_id', type: 'text', collation: 'C' })
  accountManagerId!: string;

  @PrimaryColumn({ name: 'period', type: 'text', collation: 'C' })
  period!: string;

  @PrimaryColumn({ name: 'scheme_id', type: 'text', collation: 'C' })
  schemeId!: string;

  @PrimaryColumn({ name: 'indicator_id', type: 'text', collation: 'C' })
  indicatorId!: string;

  /** Rounded, and exact cut to 40 decimals; both negated, so that a rising index serves. */
  @Column({ name: 'score', type: 'numeric' })
  score!: string;

  @Column({ name: 'exact', type: 'numeric' })
  exact!: string;

  @Column({ name: 'how', type: 'text', collation: 'C' })
  how!: string;

  @Column({ name: 'provisional', type: 'boolean' })
  provisional!: boolean;
}
