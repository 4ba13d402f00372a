import { Id, Period } from '../../fields.js';

/** Whose record, and of which period. */
export class PersonPeriodBody {
  @Id({ example: 'am-001' })
  accountManagerId!: string;

  @Period({ example: '2026-03' })
  period!: string;
}
