import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** A message of payroll that was not taken when it came. */
@Entity({ name: 'inbox_message' })
@Index('inbox_message_status', ['status', 'position'])
@Index('inbox_message_key', ['keyDigest', 'status', 'position'])
export class InboxMessageRow {
  @PrimaryColumn({ name: 'inbox_id', type: 'text', collation: 'C' })
  inboxId!: string;

  @Column({ name: 'key_digest', type: 'text', collation: 'C' })
  keyDigest!: string;

  @Column({ name: 'topic', type: 'text', collation: 'C' })
  topic!: string;

  @Column({ name: 'partition_no', type: 'integer' })
  partitionNo!: number;

  @Column({ name: 'offset_no', type: 'bigint' })
  offsetNo!: string;

  @Column({ name: 'message_id', type: 'text', nullable: true })
  messageId!: string | null;

  /** `unreadable`, `refused` or `key-waits`. */
  @Column({ name: 'cause', type: 'text', collation: 'C' })
  cause!: string;

  @Column({ name: 'code', type: 'text', collation: 'C' })
  code!: string;

  /** `waiting`; else what became of it: `refused`, `taken`, `discarded`, `gone`. */
  @Column({ name: 'status', type: 'text', collation: 'C' })
  status!: string;

  @Column({ name: 'set_aside_at', type: 'text' })
  setAsideAt!: string;

  /** Of the event that set it aside first: the order of a key's messages. */
  @Column({ name: 'position', type: 'text', collation: 'C' })
  position!: string;
}

/** A Kafka key of which messages were set aside. */
@Entity({ name: 'inbox_key' })
@Index('inbox_key_parked', ['parked', 'keyDigest'])
export class InboxKeyRow {
  @PrimaryColumn({ name: 'key_digest', type: 'text', collation: 'C' })
  keyDigest!: string;

  @Column({ name: 'key_text', type: 'text', nullable: true })
  keyText!: string | null;

  @Column({ name: 'parked', type: 'boolean' })
  parked!: boolean;

  /** Of the message that parked it last; null: none did so far. */
  @Column({ name: 'parked_at', type: 'text', nullable: true })
  parkedAt!: string | null;

  @Column({ name: 'parked_for', type: 'text', nullable: true })
  parkedFor!: string | null;

  @Column({ name: 'released_by', type: 'text', nullable: true })
  releasedBy!: string | null;

  @Column({ name: 'released_at', type: 'text', nullable: true })
  releasedAt!: string | null;

  /** Of the key's last event. */
  @Column({ name: 'revision', type: 'integer' })
  revision!: number;
}
