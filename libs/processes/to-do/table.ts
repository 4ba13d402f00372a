import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** What is left to do. */
@Entity({ name: 'process_to_do' })
@Index('process_to_do_due', ['isHistory', 'dueKey'])
export class ProcessToDoRow {
  @PrimaryColumn({ name: 'process', type: 'text', collation: 'C' })
  process!: string;

  @PrimaryColumn({ name: 'key', type: 'text', collation: 'C' })
  key!: string;

  @Column({ name: 'due_at', type: 'text', collation: 'C', nullable: true })
  dueAt!: string | null;

  /** `due_at` as a text that sorts in time; empty: due at once. */
  @Column({ name: 'due_key', type: 'text', collation: 'C' })
  dueKey!: string;

  @Column({ name: 'opened_position', type: 'text', collation: 'C' })
  openedPosition!: string;

  /** RFC 8785. */
  @Column({ name: 'data', type: 'text', collation: 'C' })
  data!: string;

  @Column({ name: 'is_history', type: 'boolean' })
  isHistory!: boolean;
}

/** How far the imported history has come, in its own time. */
@Entity({ name: 'process_history' })
export class ProcessHistoryRow {
  @PrimaryColumn({ name: 'source', type: 'text', collation: 'C' })
  source!: string; // `import`

  @Column({ name: 'at', type: 'text', collation: 'C' })
  at!: string;

  @Column({ name: 'at_key', type: 'text', collation: 'C' })
  atKey!: string;
}
