import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** One complaint; undecided until its decision is recorded. */
@Entity({ name: 'complaint_case' })
@Index('complaint_case_order', ['raisedKey', 'complaintId'])
@Index('complaint_case_person', ['accountManagerId', 'raisedKey', 'complaintId'])
@Index('complaint_case_undecided', ['raisedKey', 'complaintId'], { where: 'decided_at is null' })
export class ComplaintCaseRow {
  @PrimaryColumn({ name: 'complaint_id', type: 'text', collation: 'C' })
  complaintId!: string;

  @Column({ name: 'account_manager_id', type: 'text', collation: 'C' })
  accountManagerId!: string;

  @Column({ name: 'customer_id', type: 'text', collation: 'C' })
  customerId!: string;

  @Column({ name: 'category', type: 'text', collation: 'C' })
  category!: string;

  @Column({ name: 'raised_at', type: 'text', collation: 'C' })
  raisedAt!: string;

  /** `raised_at` as a text that sorts in time. */
  @Column({ name: 'raised_key', type: 'text', collation: 'C' })
  raisedKey!: string;

  @Column({ name: 'decided_at', type: 'text', collation: 'C', nullable: true })
  decidedAt!: string | null;

  @Column({ name: 'upheld', type: 'boolean', nullable: true })
  upheld!: boolean | null;

  /** In which the decision counts. */
  @Column({ name: 'period', type: 'text', collation: 'C', nullable: true })
  period!: string | null;
}

/** One sample of a person's customers, without the customers. */
@Entity({ name: 'feedback_sample' })
@Index('feedback_sample_person', ['accountManagerId', 'period', 'sampleId'])
@Index('feedback_sample_period', ['period', 'sampleId'])
export class FeedbackSampleRow {
  @PrimaryColumn({ name: 'sample_id', type: 'text', collation: 'C' })
  sampleId!: string;

  @Column({ name: 'account_manager_id', type: 'text', collation: 'C' })
  accountManagerId!: string;

  @Column({ name: 'period', type: 'text', collation: 'C' })
  period!: string;

  /** Null until the frame is frozen. */
  @Column({ name: 'customer_count', type: 'integer', nullable: true })
  customerCount!: number | null;

  /** Null until the sample is drawn. */
  @Column({ name: 'size', type: 'integer', nullable: true })
  size!: number | null;
}
