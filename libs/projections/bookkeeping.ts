import { digestOf, digestOfPointer, parkedKeysOf, type Generations } from './catalogue.js';
import type { Connection } from './context.js';
import type { Difference } from './port.js';

/**
 * What the runner knows of itself, as far as comparing rows does not show it: the pointer,
 * checkpoints of generations that are not read now, and parked keys that no generation owns. To be
 * asked before a scratch generation is made, which writes the pointer anew. Leases are left out:
 * they only save work, come and go by the second, and a wrong one changes no row.
 */
export async function checkBookkeeping(connection: Connection): Promise<readonly Difference[]> {
  const { rows } = await connection.query<{ name: string; key: string; of: Difference['table'] }>(
    `SELECT '*' AS name, '' AS key, 'pointer' AS of FROM projection.pointer
      WHERE pointer_digest <> ${digestOfPointer({})}
     UNION ALL
     SELECT c.projection, jsonb_build_array(c.generation, c.projection)::text, 'checkpoint'
       FROM projection.checkpoint c, projection.pointer
      WHERE c.digest <> ${digestOf({})}
        AND NOT current @> jsonb_build_object(c.projection, c.generation)
     UNION ALL
     SELECT p.projection, jsonb_build_array(p.generation, p.projection, p.key)::text, 'parked'
       FROM projection.parked p
      WHERE NOT EXISTS (SELECT FROM projection.checkpoint c
                         WHERE c.generation = p.generation AND c.projection = p.projection)
      ORDER BY 3, 2`,
  );
  return rows.map(({ name, key, of }) => {
    const column = of === 'parked' ? '*' : 'digest';
    return { projection: name, table: of, key, column, rowCount: 1 };
  });
}

/** Keys that the code of now cannot project, and that the live generation does not own up to. */
export async function undeclaredParkedKeys(
  connection: Connection,
  live: Generations,
  scratch: Generations,
): Promise<readonly Difference[]> {
  const name = (parked: { readonly projection: string; readonly key: string }): string =>
    JSON.stringify([parked.projection, parked.key]);
  const declared = new Set((await parkedKeysOf(connection, live)).map(name));
  const found = await parkedKeysOf(connection, scratch);
  return found
    .filter((parked) => !declared.has(name(parked)))
    .map(({ projection, key }) => ({
      projection,
      table: 'parked',
      key: JSON.stringify([projection, key]),
      column: '*',
      rowCount: 1,
    }));
}
