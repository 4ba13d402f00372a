import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inOrderOfSealing } from './http.js';

/** Log positions of three sealed batches; the later pay period was sealed first. */
const POSITIONS: Readonly<Record<string, string>> = {
  '2026-03-north': '0000000000000000300',
  '2026-03-south': '0000000000000000200',
  '2026-04-all': '0000000000000000100',
};

describe('batches over HTTP', () => {
  it('are taken in the order of their sealing, not in that of their names', async () => {
    const server = createServer(({ url = '' }, response) => {
      const batchId = url.split('/')[4] ?? '';
      const message = { key: batchId, headers: { ce_position: POSITIONS[batchId] }, value: '{}' };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ items: [message], next: 'more' }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const ledger = { url: `http://127.0.0.1:${port}`, token: 'any' };
      expect(await inOrderOfSealing(ledger, Object.keys(POSITIONS))).toEqual([
        '2026-04-all',
        '2026-03-south',
        '2026-03-north',
      ]);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
