import { contentHash, DomainError, fold } from '#kernel';
import type { Scheme } from '#rules';
import { given } from '../../kernel/testing.js';
import { schemes, type SchemeCommand } from './decider.js';
import type { SchemeEvent } from './events.js';
import { schemeFixture } from './fixtures.js';

const schemeId = schemeFixture.schemeId;
const facts = { knowsUnit: () => true };
const versioned = (version: number, change: Partial<Scheme> = {}): Scheme => ({
  ...schemeFixture,
  version,
  ...change,
});
const LATER: Partial<Scheme> = { minimumEligibleDays: 12 };

const drafted = (scheme: Scheme): SchemeEvent => ({
  type: 'schemes.SchemeDrafted.v1',
  data: { schemeId, version: scheme.version, scheme, draftedBy: 'OFFICE-1' },
});
const revised = (scheme: Scheme, revisedBy = 'OFFICE-1'): SchemeEvent => ({
  type: 'schemes.SchemeRevised.v1',
  data: { schemeId, version: scheme.version, scheme, revisedBy },
});
const published = (scheme: Scheme): SchemeEvent => ({
  type: 'schemes.SchemePublished.v1',
  data: {
    schemeId,
    version: scheme.version,
    sha256: contentHash(scheme),
    publishedBy: 'OFFICE-2',
  },
});
const retired = (effectiveTo = '2026-06'): SchemeEvent => ({
  type: 'schemes.SchemeRetired.v1',
  data: { schemeId, version: 1, effectiveTo, retiredBy: 'OFFICE-2' },
});

const draft = (scheme: unknown): SchemeCommand => ({
  type: 'schemes.DraftScheme',
  data: { scheme, draftedBy: 'OFFICE-1' },
});
const revise = (scheme: unknown, revisedBy = 'OFFICE-1'): SchemeCommand => ({
  type: 'schemes.ReviseScheme',
  data: { scheme, revisedBy },
});
const publish = (publishedBy = 'OFFICE-2', version = 1): SchemeCommand => ({
  type: 'schemes.PublishScheme',
  data: { schemeId, version, publishedBy },
});
const retire = (effectiveTo = '2026-06', version = 1): SchemeCommand => ({
  type: 'schemes.RetireScheme',
  data: { schemeId, version, effectiveTo, retiredBy: 'OFFICE-2' },
});

const first = versioned(1);

describe('drafting a scheme', () => {
  it('records what was drafted, once', () => {
    given(schemes, [])
      .when(draft(first), facts)
      .thenEvents([drafted(first)]);
    given(schemes, [drafted(first)])
      .when(draft(first), facts)
      .thenNothing();
  });

  it('takes a file whose members stand in another order for the same', () => {
    const reordered = Object.fromEntries(Object.entries(first).toReversed());
    given(schemes, [drafted(first), published(first)])
      .when(draft(reordered), facts)
      .thenNothing();
  });

  it('refuses an invalid scheme and names its mistakes', () => {
    const invalid = { ...first, indicators: [], surprise: true };
    const decide = () => schemes.decide(draft(invalid), fold(schemes, []), facts);
    expect(decide).toThrow(DomainError);
    try {
      decide();
    } catch (error) {
      const { code, details } = error as DomainError;
      expect(code).toBe('scheme-invalid');
      const paths = (details['mistakes'] as { path: string }[]).map(({ path }) => path);
      expect(paths.join(' ')).toMatch(/indicators/);
      expect(paths.join(' ')).toMatch(/surprise/);
    }
    given(schemes, []).when(draft('no scheme'), facts).thenRefused('scheme-invalid');
  });

  it('refuses other content under a version that is there, drafted or published', () => {
    const other = versioned(1, LATER);
    given(schemes, [drafted(first)])
      .when(draft(other), facts)
      .thenRefused('scheme-version-reused');
    given(schemes, [drafted(first), published(first)])
      .when(draft(other), facts)
      .thenRefused('scheme-version-reused');
  });

  it('needs versions that rise', () => {
    given(schemes, [drafted(versioned(2))])
      .when(draft(first), facts)
      .thenRefused('scheme-version-not-rising');
    given(schemes, [drafted(first)])
      .when(draft(versioned(2)), facts)
      .thenEvents([drafted(versioned(2))]);
  });
});

describe('revising a scheme', () => {
  it('changes a draft, and changes nothing when it says the same', () => {
    const changed = versioned(1, LATER);
    given(schemes, [drafted(first)])
      .when(revise(changed), facts)
      .thenEvents([revised(changed)]);
    given(schemes, [drafted(first), revised(changed)])
      .when(revise(changed), facts)
      .thenNothing();
  });

  it('is refused once the version is published: it never changes again', () =>
    given(schemes, [drafted(first), published(first)])
      .when(revise(versioned(1, LATER)), facts)
      .thenRefused('scheme-version-reused'));

  it('is refused for a version that nobody drafted', () =>
    given(schemes, []).when(revise(first), facts).thenRefused('unknown-scheme-version'));

  it('is refused where the content is invalid', () =>
    given(schemes, [drafted(first)])
      .when(revise({ ...first, weightt: 1 }), facts)
      .thenRefused('scheme-invalid'));
});

describe('publishing a scheme', () => {
  it('fixes the hash of the content last drafted, once', () => {
    const changed = versioned(1, LATER);
    given(schemes, [drafted(first), revised(changed)])
      .when(publish(), facts)
      .thenEvents([published(changed)]);
    given(schemes, [drafted(first), published(first)])
      .when(publish('OFFICE-3'), facts)
      .thenNothing();
  });

  it('is refused to everybody who drafted or revised the version', () => {
    const events = [drafted(first), revised(versioned(1, LATER), 'OFFICE-3')];
    given(schemes, events).when(publish('OFFICE-1'), facts).thenRefused('segregation-of-duties');
    given(schemes, events).when(publish('OFFICE-3'), facts).thenRefused('segregation-of-duties');
  });

  it('is open to the author of another version', () =>
    given(schemes, [
      { ...drafted(first), data: { ...drafted(first).data, draftedBy: 'OFFICE-2' } } as SchemeEvent,
      drafted(versioned(2)),
    ])
      .when(publish('OFFICE-2', 2), facts)
      .thenEvents([published(versioned(2))]));

  it('is refused for a version that nobody drafted', () =>
    given(schemes, []).when(publish(), facts).thenRefused('unknown-scheme-version'));
});

describe('publishing a pilot', () => {
  const pilot = versioned(1, { scope: { units: ['R1', 'R9'], positions: ['account-manager'] } });
  const knows = (...unitIds: string[]) => ({
    knowsUnit: (unitId: string) => unitIds.includes(unitId),
  });

  it('is refused while the organisation has no such unit', () => {
    given(schemes, [drafted(pilot)])
      .when(publish(), knows('R1'))
      .thenRefused('unknown-unit');
    given(schemes, [drafted(first), revised(pilot)])
      .when(publish(), knows('R1'))
      .thenRefused('unknown-unit');
  });

  it('is open once all its units are defined', () =>
    given(schemes, [drafted(pilot)])
      .when(publish(), knows('R1', 'R9'))
      .thenEvents([published(pilot)]));
});

describe('retiring a scheme', () => {
  const events = [drafted(first), published(first)];

  it('ends a published version, once', () => {
    given(schemes, events).when(retire(), facts).thenEvents([retired()]);
    given(schemes, [...events, retired()])
      .when(retire(), facts)
      .thenNothing();
    given(schemes, [...events, retired()])
      .when(retire('2026-05'), facts)
      .thenRefused('scheme-already-retired');
  });

  it('is refused for a draft and for an unknown version', () => {
    given(schemes, [drafted(first)])
      .when(retire(), facts)
      .thenRefused('scheme-not-published');
    given(schemes, events).when(retire('2026-06', 2), facts).thenRefused('unknown-scheme-version');
  });

  it('never makes a version end before it begins or last longer than published', () => {
    const bounded = versioned(1, { effectiveTo: '2026-08' });
    given(schemes, events).when(retire('2025-12'), facts).thenRefused('malformed');
    given(schemes, events).when(retire('2026-13'), facts).thenRefused('malformed');
    given(schemes, [drafted(bounded), published(bounded)])
      .when(retire('2026-09'), facts)
      .thenRefused('malformed');
  });

  it('leaves the version as immutable as it was', () =>
    given(schemes, [...events, retired()])
      .when(revise(versioned(1, LATER)), facts)
      .thenRefused('scheme-version-reused'));
});
