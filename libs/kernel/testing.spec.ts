import { type Decider, DomainError } from './index.js';
import { given } from './testing.js';

type Added = { readonly type: 'sum.Added.v1'; readonly data: { readonly amount: number } };

const added = (amount: number): Added => ({ type: 'sum.Added.v1', data: { amount } });
const sum: Decider<{ total: number }, number, Added, { limit: number }> = {
  initialState: () => ({ total: 0 }),
  evolve: (state, { data }) => ({ total: state.total + data.amount }),
  decide: (amount, { total }, { limit }) => {
    if (Number.isNaN(amount)) throw new TypeError('a defect, no refusal');
    if (total + amount > limit) throw new DomainError('too-much', { amount });
    return amount === 0 ? [] : [added(amount)];
  },
};
const when = (amount: number) => given(sum, [added(2)]).when(amount, { limit: 5 });

it('holds for what happens, folded from what was given', () => {
  when(3).thenEvents([added(3)]);
  when(0).thenNothing();
  when(4).thenRefused('too-much');
});

it('fails for other events, for events instead of none, and for none instead of events', () => {
  expect(() => when(3).thenEvents([added(4)])).toThrow(/expected .*4.*\n.*actual .*3/);
  expect(() => when(3).thenEvents([added(3), added(3)])).toThrow('expected');
  expect(() => when(3).thenNothing()).toThrow('expected []');
  expect(() => when(0).thenEvents([added(0)])).toThrow('actual []');
});

it('fails for another refusal, for none, and for a refusal instead of events', () => {
  expect(() => when(4).thenRefused('too-little')).toThrow('was refused with too-much');
  expect(() => when(3).thenRefused('too-much')).toThrow('expected the refusal too-much, actual');
  expect(() => when(4).thenEvents([added(4)])).toThrow(DomainError);
});

it('takes no defect for a refusal', () => {
  expect(() => when(Number.NaN).thenRefused('too-much')).toThrow(TypeError);
});
