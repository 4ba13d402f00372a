import { part } from './waiting.js';

it('parts with a client that ends, fails to end, or never ends', async () => {
  let ended = 0;
  await part({ disconnect: async () => void (ended += 1) });
  await part({ disconnect: () => Promise.reject(new Error('no broker')) });
  await part({ disconnect: () => new Promise(() => undefined) }, 1);
  expect(ended).toBe(1);
});
