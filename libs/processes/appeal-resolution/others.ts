import type { ResultCorrected } from '#contexts/assessment';
import type { Sql } from '#projections';
import { type Organisation, schemeVersion } from '#read-models/organisation';
import type { Decision } from './resolve.js';

/** bonus: no clawback of a return whose sale an appeal struck, whoever's and whenever it is. */
export type OtherMove = {
  readonly accountManagerId: string;
  readonly period: string;
  readonly kind: 'clawback';
  readonly reference: string;
};

export async function otherMoves(
  sql: Sql,
  { accountManagerId, corrections }: Pick<Decision, 'accountManagerId' | 'corrections'>,
): Promise<readonly OtherMove[]> {
  const struck = corrections.flatMap((correction) =>
    correction.type === 'strike' ? [correction.recordId] : [],
  );
  if (struck.length === 0) return [];
  const rows = await sql.query<{ id: string; period: string; reference: string }>(
    `select account_manager_id as id, period, credit_id as reference from settlement_return
     where original_credit_id = any($1::text[]) and account_manager_id <> $2 order by 1, 2, 3`,
    [struck, accountManagerId],
  );
  return rows.map(({ id, period, reference }) => {
    return { accountManagerId: id, period, kind: 'clawback' as const, reference };
  });
}

/** A ceiling on the grade that would be held. Places count as at publication. */
export type CeilingEffect = {
  readonly grade: string;
  readonly placeCount: number;
  readonly holderCountAtPublication: number;
  readonly holderCountAfter: number; // the person's own included
  readonly overShareCount: number; // holders beyond the places, reported and left to them
};

export async function ceilingEffects(
  sql: Sql,
  org: Organisation,
  after: ResultCorrected['data'],
): Promise<readonly CeilingEffect[]> {
  const { accountManagerId, period, schemeId, grade, unitPath } = after;
  const version = after.schemeVersion;
  const outcome = after.ceilings.find((ceiling) => ceiling.grade === grade);
  if (!outcome?.inForce) return [];
  const rule = schemeVersion(org, schemeId, version)?.ceilings?.find((of) => of.grade === grade);
  const unitId = rule?.scope === 'unit' ? (unitPath[0] ?? '') : null;
  const [row] = await sql.query<{ holders: string }>(
    `select count(*) as holders from (
       select distinct on (account_manager_id) account_manager_id, grade, body
       from score_result where period = $1 and effective_position is not null
       order by account_manager_id, version desc
     ) current
     where grade = $2 and account_manager_id <> $3 and body::json->>'schemeId' = $4
       and body::json->>'schemeVersion' = $5
       and ($6::text is null or body::json->'unitPath'->>0 = $6)`,
    [period, grade, accountManagerId, schemeId, String(version), unitId],
  );
  const holderCountAfter = Number(row?.holders ?? 0) + 1;
  const { placeCount, holderCount } = outcome;
  const overShareCount = Math.max(0, holderCountAfter - placeCount);
  const counts = { placeCount, holderCountAtPublication: holderCount, holderCountAfter };
  return [{ grade: outcome.grade, ...counts, overShareCount }];
}
