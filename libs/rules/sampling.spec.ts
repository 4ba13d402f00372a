import { createHash } from 'node:crypto';
import { drawSample, seedCommitment } from './sampling.js';

it('orders customers by SHA-256 of seed, LF and customer id', () => {
  const customers = ['C3', 'C1', 'C2', '客户'];
  const hash = (id: string) => createHash('sha256').update(`seed\n${id}`).digest('hex');
  const byHash = [...customers].sort((a, b) => (hash(a) < hash(b) ? -1 : 1));
  expect(drawSample('seed', customers)).toEqual(byHash);
  expect(drawSample('seed', [...customers, 'C1'])).toEqual(byHash);
  expect(drawSample('other', customers)).not.toEqual(byHash);
});

it('commits to the seed by its SHA-256', () => {
  expect(seedCommitment('seed')).toBe(createHash('sha256').update('seed').digest('hex'));
});
