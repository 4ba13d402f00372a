import { Client } from 'pg';

export const withClient = async <Result>(
  url: string,
  run: (client: Client) => Promise<Result>,
): Promise<Result> => {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined); // the query under way rejects with it
  await client.connect();
  try {
    return await run(client);
  } finally {
    await client.end();
  }
};

export const countRows = (url: string, table: string): Promise<number> =>
  withClient(url, async (client) => {
    const { rows } = await client.query<{ count: string }>(`SELECT count(*) FROM ${table}`);
    return Number(rows[0]?.count);
  });
