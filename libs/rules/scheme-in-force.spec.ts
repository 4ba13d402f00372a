import { considerSchemes, schemeInForce } from './scheme-in-force.js';
import type { Scheme } from './scheme.js';
import { schemeOf } from './testing.js';

const scheme = (schemeId: string, more: Partial<Scheme> = {}) => schemeOf({ schemeId, ...more });
const units = (...list: string[]) => ({
  scope: { units: list, positions: ['account-manager'] },
});
const person = { position: 'account-manager', unitPath: ['U1', 'R1', 'HQ'] };

const inForce = (schemes: readonly Scheme[], period = '2026-03'): string | null => {
  const found = schemeInForce(schemes, person, period);
  expect(schemeInForce(schemes.toReversed(), person, period)).toBe(found);
  return found && `${found.schemeId}.${found.version}`;
};

it('takes the scheme of the nearest unit, `*` being the farthest', () => {
  const everyone = scheme('all', { effectiveFrom: '2026-03', version: 9 });
  const region = scheme('region', units('R1'));
  const head = scheme('head', { ...units('HQ'), effectiveFrom: '2026-02' });
  expect(inForce([everyone, head, region])).toBe('region.1');
  expect(inForce([everyone, head])).toBe('head.1');
  expect(inForce([everyone, scheme('other', units('U2'))])).toBe('all.9');
  expect(inForce([head, scheme('both', units('U9', 'HQ', 'U1'))])).toBe('both.1');
});

it('takes the later effectiveFrom, then the higher version', () => {
  const later = scheme('later', { effectiveFrom: '2026-02', version: 1 });
  expect(inForce([scheme('early', { version: 5 }), later])).toBe('later.1');
  expect(inForce([scheme('s', { version: 1 }), scheme('s', { version: 2 })])).toBe('s.2');
});

it('takes only versions in effect for the position', () => {
  const ended = scheme('ended', { effectiveTo: '2026-02' });
  expect(inForce([ended])).toBeNull();
  expect(inForce([ended], '2026-02')).toBe('ended.1');
  expect(inForce([scheme('future', { effectiveFrom: '2026-04' })])).toBeNull();
  const clerks = scheme('clerks', { scope: { units: '*', positions: ['clerk'] } });
  expect(inForce([clerks])).toBeNull();
});

it('says of every version why it is the one, or why it is not', () => {
  const verdicts = considerSchemes(
    [
      scheme('all'),
      scheme('head', units('HQ')),
      scheme('region', { ...units('R1'), version: 2 }),
      scheme('region-b', { ...units('R1'), version: 2 }),
      scheme('region-old', units('R1')),
      scheme('region-early', { ...units('R1'), effectiveFrom: '2025-12', version: 9 }),
      scheme('other', units('U2')),
      scheme('clerks', { scope: { units: '*', positions: ['clerk'] } }),
      scheme('ended', { effectiveTo: '2026-02' }),
      scheme('future', { effectiveFrom: '2026-04' }),
    ],
    person,
    '2026-03',
  );
  expect(
    verdicts.map((one) => `${one.scheme.schemeId} ${one.unitDistance} ${one.verdict}`),
  ).toEqual([
    'region 1 in-force',
    'all null nearer-unit-precedes',
    'head 2 nearer-unit-precedes',
    'region-b 1 scheme-id-precedes',
    'region-old 1 higher-version-precedes',
    'region-early 1 later-effective-from-precedes',
    'other null unit-not-in-scope',
    'clerks null position-not-in-scope',
    'ended null no-longer-effective',
    'future null not-yet-effective',
  ]);
  expect(considerSchemes([scheme('other', units('U2'))], person, '2026-03')).toMatchObject([
    { verdict: 'unit-not-in-scope' },
  ]);
});
