import { scoreIndicator, scoreWorkTraceCount, workTraceCount } from './index.js';
import { contextOf, factsOf, metricIndicator, schemeOf, traceIndicator } from './testing.js';

const scheme = schemeOf({
  indicators: [
    traceIndicator({ weight: '60', countOnce: 'customer-day', defaultTarget: '4' }),
    metricIndicator({ weight: '40' }),
  ],
});
const context = contextOf();
const trace = (recordId: string, customerId: string | null, day: string) => {
  const at = `2026-03-${day}T10:00:00+08:00`;
  return { recordId, type: 'visit', customerId, occurredAt: at, loggedAt: at, voided: false };
};
const traces = [
  trace('T1', 'C1', '02'),
  trace('T2', 'C1', '02'), // the customer's day counts once
  trace('T3', null, '02'),
  trace('T4', 'C1', '03'),
  trace('T5', 'C2', '01'), // a Sunday, but present: counts
];

describe('the score of a count of work traces', () => {
  it('is the score of the traces themselves, whichever way they are counted', () => {
    const facts = factsOf({ traces });
    const count = workTraceCount(scheme, context, facts, 'visits');
    expect(count).toBe(4);
    const scored = scoreWorkTraceCount(scheme, context, facts, 'visits', count);
    expect(scored).toEqual(scoreIndicator(scheme, context, facts, 'visits'));
  });

  it('follows from each trace and the earlier ones of its customer alone', () => {
    let count = 0;
    for (const [at, fresh] of traces.entries()) {
      const alike = traces.slice(0, at + 1).filter(({ customerId, recordId }) => {
        return recordId === fresh.recordId || (customerId && customerId === fresh.customerId);
      });
      const countOf = (list: typeof traces): number =>
        workTraceCount(scheme, context, factsOf({ traces: list }), 'visits');
      count += countOf(alike) - countOf(alike.slice(0, -1));
      expect(count).toBe(countOf(traces.slice(0, at + 1)));
    }
  });

  it('is missing without a target above 0, and refused for an indicator of another source', () => {
    const untargeted = traceIndicator({ missing: 'neutralise', defaultTarget: '0' });
    const without = schemeOf({ indicators: [untargeted] });
    const facts = factsOf();
    expect(scoreWorkTraceCount(without, context, facts, 'visits', 3).how).toBe('neutralised');
    expect(() => workTraceCount(scheme, context, facts, 'sales')).toThrow(RangeError);
  });
});
