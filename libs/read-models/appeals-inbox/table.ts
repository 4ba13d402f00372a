import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** One appeal as the office works through it: states and dates, no personal texts. */
@Entity({ name: 'appeal_case' })
@Index('appeal_case_sort', ['sortOn', 'appealId'])
@Index('appeal_case_person', ['accountManagerId', 'period'])
export class AppealCaseRow {
  @PrimaryColumn({ name: 'appeal_id', type: 'text', collation: 'C' })
  appealId!: string;

  @Column({ name: 'account_manager_id', type: 'text', collation: 'C' })
  accountManagerId!: string;

  @Column({ name: 'period', type: 'text', collation: 'C' })
  period!: string;

  /** The person's own unit in the period, as frozen, and those above it: a JSON array. */
  @Column({ name: 'unit_id', type: 'text', collation: 'C' })
  unitId!: string;

  @Column({ name: 'unit_path', type: 'text', collation: 'C' })
  unitPath!: string;

  /** Of the disputed result: its zone is that of the dates. */
  @Column({ name: 'scheme_id', type: 'text', collation: 'C' })
  schemeId!: string;

  @Column({ name: 'scheme_version', type: 'integer' })
  schemeVersion!: number;

  @Column({ name: 'filed_at', type: 'text', collation: 'C' })
  filedAt!: string;

  @Column({ name: 'status', type: 'text', collation: 'C' })
  status!: string;

  /** What is to be done next by office or reviewer, `accept` or `decide`, and by when. */
  @Column({ name: 'step', type: 'text', collation: 'C', nullable: true })
  step!: string | null;

  @Column({ name: 'due_on', type: 'text', collation: 'C', nullable: true })
  dueOn!: string | null;

  /** The instant that ends the day, as a text that sorts in time. */
  @Column({ name: 'due_key', type: 'text', collation: 'C', nullable: true })
  dueKey!: string | null;

  /** `due_on`, or behind every day when nothing is due. */
  @Column({ name: 'sort_on', type: 'text', collation: 'C' })
  sortOn!: string;

  /** Of the open step. */
  @Column({ name: 'escalated_at', type: 'text', collation: 'C', nullable: true })
  escalatedAt!: string | null;

  /** Assigned and not yet decided. */
  @Column({ name: 'reviewer_id', type: 'text', collation: 'C', nullable: true })
  reviewerId!: string | null;

  @Column({ name: 'outcome', type: 'text', collation: 'C', nullable: true })
  outcome!: string | null;

  @Column({ name: 'decided_at', type: 'text', collation: 'C', nullable: true })
  decidedAt!: string | null;

  /** Last day on which the appellant may ask for the review. */
  @Column({ name: 'review_due_on', type: 'text', collation: 'C', nullable: true })
  reviewDueOn!: string | null;
}

/** A step that was not done in time. */
@Entity({ name: 'appeal_escalation' })
@Index('appeal_escalation_due', ['dueOn', 'appealId'])
export class AppealEscalationRow {
  @PrimaryColumn({ name: 'appeal_id', type: 'text', collation: 'C' })
  appealId!: string;

  @PrimaryColumn({ name: 'step', type: 'text', collation: 'C' })
  step!: string;

  @PrimaryColumn({ name: 'due_on', type: 'text', collation: 'C' })
  dueOn!: string;

  @Column({ name: 'escalated_at', type: 'text', collation: 'C' })
  escalatedAt!: string;

  /** When it was done after all; null: it still waits. */
  @Column({ name: 'done_at', type: 'text', collation: 'C', nullable: true })
  doneAt!: string | null;
}

/** A correction by the office outside an appeal; its reason stays in the log. */
@Entity({ name: 'office_correction' })
@Index('office_correction_person', ['accountManagerId', 'period'])
export class OfficeCorrectionRow {
  @PrimaryColumn({ name: 'correction_id', type: 'text', collation: 'C' })
  correctionId!: string;

  @Column({ name: 'account_manager_id', type: 'text', collation: 'C' })
  accountManagerId!: string;

  @Column({ name: 'period', type: 'text', collation: 'C' })
  period!: string;

  @Column({ name: 'status', type: 'text', collation: 'C' })
  status!: string; // `proposed` or `approved`

  @Column({ name: 'proposed_by', type: 'text', collation: 'C' })
  proposedBy!: string;

  @Column({ name: 'proposed_at', type: 'text', collation: 'C' })
  proposedAt!: string;

  @Column({ name: 'approved_by', type: 'text', collation: 'C', nullable: true })
  approvedBy!: string | null;

  @Column({ name: 'approved_at', type: 'text', collation: 'C', nullable: true })
  approvedAt!: string | null;

  /** Whose approval was delegated to the approver. */
  @Column({ name: 'on_behalf_of', type: 'text', collation: 'C', nullable: true })
  onBehalfOf!: string | null;
}
