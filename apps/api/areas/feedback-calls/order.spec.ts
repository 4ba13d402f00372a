import { type NextToCall, nextToCall, type OutcomeOf } from './order.js';

const drawn = { sample: ['a', 'b'], substitutes: ['c', 'd'] };
const after = (outcomes: Readonly<Record<string, OutcomeOf>>): NextToCall =>
  nextToCall(drawn, (customerId) => outcomes[customerId] ?? null);

describe('who is to be called next', () => {
  it('is the sample, in its order', () => {
    expect(after({}).due.map(({ customerId }) => customerId)).toEqual(['a', 'b']);
    expect(after({ a: 'completed' }).next).toEqual({ customerId: 'b', as: 'sample' });
  });

  it('is a substitute for each call that failed, a substitute’s too', () => {
    const one = after({ a: 'refused' });
    expect(one.due).toEqual([
      { customerId: 'b', as: 'sample' },
      { customerId: 'c', as: 'substitute' },
    ]);
    const two = after({ a: 'refused', b: 'completed', c: 'unreachable' });
    expect(two.next).toEqual({ customerId: 'd', as: 'substitute' });
    expect(two.counts).toEqual({ completed: 1, refused: 1, unreachable: 1 });
  });

  it('is nobody when all due were reached, or when no substitute is left', () => {
    const done = after({ a: 'completed', b: 'completed' });
    expect(done).toMatchObject({ next: null, exhausted: false });
    const none = after({ a: 'refused', b: 'refused', c: 'refused', d: 'completed' });
    expect(none).toMatchObject({ next: null, exhausted: true });
  });
});
