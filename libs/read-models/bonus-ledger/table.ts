import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** A batch as its stream leaves it. */
@Entity({ name: 'ledger_batch' })
export class LedgerBatchRow {
  @PrimaryColumn({ name: 'batch_id', type: 'text', collation: 'C' })
  batchId!: string;

  @Column({ name: 'pay_period', type: 'text', collation: 'C' })
  payPeriod!: string;

  @Column({ name: 'generation', type: 'integer' })
  generation!: number;

  /** `open` (parts come in), `prepared`, `superseded`, `approved`, `sealed` or `rejected`. */
  @Index('ledger_batch_status')
  @Column({ name: 'status', type: 'text', collation: 'C' })
  status!: string;

  /** `*` or a JSON array of unit ids. From here to `withheld`: null until prepared. */
  @Column({ name: 'unit_ids', type: 'text', nullable: true })
  unitIds!: string | null;

  @Column({ name: 'currency', type: 'text', nullable: true })
  currency!: string | null;

  @Column({ name: 'line_count', type: 'integer', nullable: true })
  lineCount!: number | null;

  @Column({ name: 'sum_minor', type: 'numeric', nullable: true })
  sumMinor!: string | null;

  @Column({ name: 'sha256', type: 'text', nullable: true })
  sha256!: string | null;

  @Column({ name: 'prepared_by', type: 'text', nullable: true })
  preparedBy!: string | null;

  @Column({ name: 'replaces_batch_id', type: 'text', nullable: true })
  replacesBatchId!: string | null;

  /** Differences of less than 0 that are reported and not posted: a JSON array. */
  @Column({ name: 'withheld', type: 'text', nullable: true })
  withheld!: string | null;

  @Column({ name: 'approved_by', type: 'text', nullable: true })
  approvedBy!: string | null;

  /** Where what a rejection or a later generation reverses was posted. */
  @Column({ name: 'approved_position', type: 'text', collation: 'C', nullable: true })
  approvedPosition!: string | null;

  @Column({ name: 'sealed_position', type: 'text', collation: 'C', nullable: true })
  sealedPosition!: string | null;

  @Column({ name: 'sealed_at', type: 'text', nullable: true })
  sealedAt!: string | null;

  @Column({ name: 'acknowledged', type: 'boolean' })
  acknowledged!: boolean;

  @Column({ name: 'rejection_code', type: 'text', nullable: true })
  rejectionCode!: string | null;

  /** Codes of all that payroll disputed: a JSON array. */
  @Column({ name: 'rejection_codes', type: 'text', nullable: true })
  rejectionCodes!: string | null;
}

/** A line as it was proposed; those of superseded generations stay. */
@Entity({ name: 'ledger_line' })
@Index('ledger_line_person', ['accountManagerId', 'period'])
export class LedgerLineRow {
  @PrimaryColumn({ name: 'batch_id', type: 'text', collation: 'C' })
  batchId!: string;

  @PrimaryColumn({ name: 'generation', type: 'integer' })
  generation!: number;

  /** Of the event, then the line's ordinal in it from 1: together the canonical order. */
  @PrimaryColumn({ name: 'position', type: 'text', collation: 'C' })
  position!: string;

  @PrimaryColumn({ name: 'line', type: 'integer' })
  line!: number;

  @Column({ name: 'account_manager_id', type: 'text', collation: 'C' })
  accountManagerId!: string;

  @Column({ name: 'period', type: 'text', collation: 'C' })
  period!: string;

  @Column({ name: 'pay_period', type: 'text', collation: 'C' })
  payPeriod!: string;

  @Column({ name: 'kind', type: 'text', collation: 'C' })
  kind!: string;

  @Column({ name: 'of_kind', type: 'text', collation: 'C' })
  ofKind!: string;

  @Column({ name: 'reference', type: 'text', collation: 'C' })
  reference!: string;

  @Column({ name: 'unit_id', type: 'text', collation: 'C' })
  unitId!: string;

  @Column({ name: 'amount_minor', type: 'numeric' })
  amountMinor!: string;

  @Column({ name: 'cause', type: 'text' })
  cause!: string;
}

/** The event that a position's transactions come from. */
@Entity({ name: 'ledger_source' })
@Index('ledger_source_batch', ['batchId', 'position'])
export class LedgerSourceRow {
  @PrimaryColumn({ name: 'position', type: 'text', collation: 'C' })
  position!: string;

  @Column({ name: 'event_id', type: 'uuid' })
  eventId!: string;

  @Column({ name: 'event_type', type: 'text', collation: 'C' })
  eventType!: string;

  @Column({ name: 'batch_id', type: 'text', collation: 'C' })
  batchId!: string;
}

/**
 * One account's part of a transaction (position, line). Never changed. The entries of a
 * transaction sum to 0, of what is pending and of what is posted; an approval moves both at once,
 * so that one row with two amounts stands for two entries.
 */
@Entity({ name: 'ledger_entry' })
@Index('ledger_entry_account', ['account', 'position', 'line'])
export class LedgerEntryRow {
  @PrimaryColumn({ name: 'position', type: 'text', collation: 'C' })
  position!: string;

  @PrimaryColumn({ name: 'line', type: 'integer' })
  line!: number;

  @PrimaryColumn({ name: 'account', type: 'text', collation: 'C' })
  account!: string;

  @Column({ name: 'pending_minor', type: 'numeric' })
  pendingMinor!: string;

  @Column({ name: 'posted_minor', type: 'numeric' })
  postedMinor!: string;
}

/** What an account's entries sum to. */
@Entity({ name: 'ledger_account' })
@Index('ledger_account_person', ['accountManagerId'])
export class LedgerAccountRow {
  @PrimaryColumn({ name: 'account', type: 'text', collation: 'C' })
  account!: string;

  @Column({ name: 'kind', type: 'text', collation: 'C' })
  kind!: string;

  @Column({ name: 'account_manager_id', type: 'text', collation: 'C', nullable: true })
  accountManagerId!: string | null;

  @Column({ name: 'pay_period', type: 'text', collation: 'C', nullable: true })
  payPeriod!: string | null;

  @Column({ name: 'pending_minor', type: 'numeric' })
  pendingMinor!: string;

  @Column({ name: 'posted_minor', type: 'numeric' })
  postedMinor!: string;
}

/** What an approved or sealed batch is to pay to one person, and what became of it. */
@Entity({ name: 'ledger_due' })
export class LedgerDueRow {
  @PrimaryColumn({ name: 'batch_id', type: 'text', collation: 'C' })
  batchId!: string;

  @PrimaryColumn({ name: 'account_manager_id', type: 'text', collation: 'C' })
  accountManagerId!: string;

  /** Of the batch's lines. */
  @Column({ name: 'net_minor', type: 'numeric', default: 0 })
  netMinor!: string;

  /** From the person's receivable: positive where a negative net is carried on. */
  @Column({ name: 'carry_minor', type: 'numeric', default: 0 })
  carryMinor!: string;

  /** Net and carry; once sealed, with what was returned of earlier batches. */
  @Column({ name: 'due_minor', type: 'numeric', default: 0 })
  dueMinor!: string;

  @Column({ name: 'settled_minor', type: 'numeric', default: 0 })
  settledMinor!: string;

  /** Of what was settled. */
  @Column({ name: 'returned_minor', type: 'numeric', default: 0 })
  returnedMinor!: string;

  /** Returned before it was settled. */
  @Column({ name: 'returned_unpaid_minor', type: 'numeric', default: 0 })
  returnedUnpaidMinor!: string;
}
