import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** What is due and what is posted for one line of a period whose batch is sealed. */
@Entity({ name: 'settlement_line' })
export class SettlementLineRow {
  @PrimaryColumn({ name: 'account_manager_id', type: 'text', collation: 'C' })
  accountManagerId!: string;

  @PrimaryColumn({ name: 'period', type: 'text', collation: 'C' })
  period!: string;

  @PrimaryColumn({ name: 'of_kind', type: 'text', collation: 'C' })
  ofKind!: string;

  @PrimaryColumn({ name: 'reference', type: 'text', collation: 'C' })
  reference!: string;

  @Column({ name: 'unit_id', type: 'text', collation: 'C' })
  unitId!: string;

  @Column({ name: 'due_minor', type: 'numeric' })
  dueMinor!: string;

  @Column({ name: 'posted_minor', type: 'numeric' })
  postedMinor!: string;

  /** Appeals whose decisions changed what is due since it was last posted: a JSON array. */
  @Column({ name: 'causes', type: 'text' })
  causes!: string;

  /** Did a correction by the office change it since? Those may take money away. */
  @Column({ name: 'by_office', type: 'boolean' })
  byOffice!: boolean;
}

/** Whose return cites which sale: a struck sale moves clawbacks of other people and periods. */
@Entity({ name: 'settlement_return' })
export class SettlementReturnRow {
  @PrimaryColumn({ name: 'credit_id', type: 'text', collation: 'C' })
  creditId!: string;

  @Column({ name: 'account_manager_id', type: 'text', collation: 'C' })
  accountManagerId!: string;

  @Index('settlement_return_period')
  @Column({ name: 'period', type: 'text', collation: 'C' })
  period!: string;

  @Index('settlement_return_original')
  @Column({ name: 'original_credit_id', type: 'text', collation: 'C' })
  originalCreditId!: string;
}

/** Sealed batches: which pay period they close, and for whom. */
@Entity({ name: 'settlement_batch' })
export class SettlementBatchRow {
  @PrimaryColumn({ name: 'batch_id', type: 'text', collation: 'C' })
  batchId!: string;

  @Column({ name: 'pay_period', type: 'text', collation: 'C' })
  payPeriod!: string;

  /** `*` or a JSON array of unit ids. */
  @Column({ name: 'unit_ids', type: 'text' })
  unitIds!: string;
}

/** The scope that the standing generation of a batch holds, and since where in the log. */
@Entity({ name: 'settlement_claim' })
export class SettlementClaimRow {
  @PrimaryColumn({ name: 'batch_id', type: 'text', collation: 'C' })
  batchId!: string;

  @Column({ name: 'generation', type: 'integer' })
  generation!: number;

  @Column({ name: 'position', type: 'text', collation: 'C' })
  position!: string;
}

/**
 * Decisions that can move lines: a sealing looks at those since the lines were worked out. Empty
 * account manager: everybody, where a cycle was published.
 */
@Entity({ name: 'settlement_change' })
export class SettlementChangeRow {
  @PrimaryColumn({ name: 'account_manager_id', type: 'text', collation: 'C' })
  accountManagerId!: string;

  @PrimaryColumn({ name: 'period', type: 'text', collation: 'C' })
  period!: string;

  @Index('settlement_change_position')
  @PrimaryColumn({ name: 'position', type: 'text', collation: 'C' })
  position!: string;

  /** The appeal that decided so; empty: none did. */
  @Column({ name: 'appeal_id', type: 'text', collation: 'C' })
  appealId!: string;

  @Column({ name: 'by_office', type: 'boolean' })
  byOffice!: boolean;
}
