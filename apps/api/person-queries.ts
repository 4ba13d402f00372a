import { AsOfPoint, StoredAsOf } from './as-of.js';
import { Id, Period } from './fields.js';
import { AnyQuery, PageQuery } from './queries.js';

/** Paths and parameters that several areas ask people by. */
export class PersonPath {
  @Id({ example: 'am-001' })
  accountManagerId!: string;
}

export class PersonPeriodPath extends PersonPath {
  @Period()
  period!: string;
}

export class AsOfQuery extends AnyQuery {
  @AsOfPoint()
  asOf?: string;

  @StoredAsOf()
  storedAsOf?: string;
}

export class PersonPeriodPageQuery extends PageQuery {
  @Period({ optional: true })
  period?: string;

  @Id({ optional: true, example: 'am-001' })
  accountManagerId?: string;

  @AsOfPoint()
  asOf?: string;

  @StoredAsOf()
  storedAsOf?: string;
}
