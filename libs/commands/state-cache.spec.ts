import fc from 'fast-check';
import { StateCache } from './state-cache.js';

const entry = (revision: number) => ({ state: `at ${revision}`, revision, position: '1' });

describe('the cache of folded states', () => {
  it('lets the stream go that was used least recently', () => {
    const cache = new StateCache({ streamCount: 2, eventCount: 100 });
    cache.set('a', entry(0));
    cache.set('b', entry(0));
    cache.get('a');
    cache.set('c', entry(0));
    expect(['a', 'b', 'c'].map((key) => cache.has(key))).toEqual([true, false, true]);
  });

  it('is bounded by the events that its states were folded from', () => {
    const cache = new StateCache({ streamCount: 100, eventCount: 10 });
    cache.set('a', entry(5)); // 6 events
    cache.set('b', entry(2)); // 9 together
    expect(cache.has('a')).toBe(true);
    cache.set('b', entry(4)); // 11: b counts once, and a goes
    expect(['a', 'b'].map((key) => cache.has(key))).toEqual([false, true]);
    cache.set('c', entry(20)); // larger than all that may be kept: not kept, nor anything for it
    expect(cache.has('c')).toBe(false);
  });

  it('stays within its limits and keeps what fits, whatever is set, read and dropped', () => {
    const step = fc.tuple(
      fc.constantFrom('set', 'get', 'drop'),
      fc.integer({ min: 0, max: 7 }),
      fc.integer({ min: -1, max: 12 }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const limits = { streamCount: 4, eventCount: 20 };
        const cache = new StateCache(limits);
        let model: [string, number][] = []; // least recently used first
        for (const [act, number, revision] of steps) {
          const key = `k${number}`;
          const known = model.find(([one]) => one === key);
          if (act !== 'get' || known) model = model.filter(([one]) => one !== key);
          if (act === 'set') {
            model.push([key, revision]);
            cache.set(key, entry(revision));
          } else if (act === 'drop') cache.drop(key);
          else {
            if (known) model.push(known);
            expect(cache.get(key)?.revision).toBe(known?.[1]);
          }
          const events = () => model.reduce((sum, [, last]) => sum + last + 1, 0);
          while (model.length > limits.streamCount || events() > limits.eventCount) model.shift();
        }
        for (let number = 0; number <= 7; number += 1) {
          const kept = model.find(([key]) => key === `k${number}`);
          expect(cache.get(`k${number}`)?.revision).toBe(kept?.[1]);
        }
      }),
      { seed: Number(process.env['MERIT_TEST_SEED'] ?? 20261121), numRuns: 300 },
    );
  });
});
