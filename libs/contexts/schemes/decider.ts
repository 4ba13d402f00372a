import {
  contentHash,
  type Decider,
  DomainError,
  requireForm,
  requireId,
  requirePeriod,
} from '#kernel';
import { parseScheme, type Scheme, unknownUnitsOf } from '#rules';
import type { SchemeEvent } from './events.js';

/** `scheme` is what the author wrote, unchecked: `parseScheme` is the only way in. */
export type DraftScheme = {
  readonly type: 'schemes.DraftScheme';
  readonly data: { readonly scheme: unknown; readonly draftedBy: string };
};
export type ReviseScheme = {
  readonly type: 'schemes.ReviseScheme';
  readonly data: { readonly scheme: unknown; readonly revisedBy: string };
};
export type PublishScheme = {
  readonly type: 'schemes.PublishScheme';
  readonly data: {
    readonly schemeId: string;
    readonly version: number;
    readonly publishedBy: string;
  };
};
/** The version applies up to and including `effectiveTo`. */
export type RetireScheme = {
  readonly type: 'schemes.RetireScheme';
  readonly data: {
    readonly schemeId: string;
    readonly version: number;
    readonly effectiveTo: string;
    readonly retiredBy: string;
  };
};
export type SchemeCommand = DraftScheme | ReviseScheme | PublishScheme | RetireScheme;

/** Asked by PublishScheme alone: does the organisation have such a unit? */
export type SchemeFacts = { readonly knowsUnit: (unitId: string) => boolean };

type Version = {
  sha256: string;
  scope: Scheme['scope'];
  effectiveFrom: string;
  effectiveTo: string | null;
  published: boolean;
  retiredTo: string | null;
  readonly authors: Set<string>; // whoever drafted or revised it
};

export type SchemeState = { readonly versions: Map<number, Version> };

function parsed(json: unknown): Scheme {
  const { scheme, mistakes } = parseScheme(json);
  if (mistakes) throw new DomainError('scheme-invalid', { mistakes });
  return scheme;
}

function versionOf(
  { versions }: Readonly<SchemeState>,
  { schemeId, version }: { readonly schemeId: string; readonly version: number },
): Version {
  const known = versions.get(version);
  if (!known) throw new DomainError('unknown-scheme-version', { schemeId, version });
  return known;
}

function draft({ data }: DraftScheme, state: Readonly<SchemeState>): readonly SchemeEvent[] {
  requireId(data.draftedBy, 'draftedBy');
  const scheme = parsed(data.scheme);
  const { schemeId, version } = scheme;
  const known = state.versions.get(version);
  if (known?.sha256 === contentHash(scheme)) return [];
  if (known) throw new DomainError('scheme-version-reused', { schemeId, version });
  const highest = Math.max(0, ...state.versions.keys());
  if (version <= highest) {
    throw new DomainError('scheme-version-not-rising', { schemeId, version, highest });
  }
  const { draftedBy } = data;
  return [{ type: 'schemes.SchemeDrafted.v1', data: { schemeId, version, scheme, draftedBy } }];
}

function revise({ data }: ReviseScheme, state: Readonly<SchemeState>): readonly SchemeEvent[] {
  requireId(data.revisedBy, 'revisedBy');
  const scheme = parsed(data.scheme);
  const { schemeId, version } = scheme;
  const known = versionOf(state, scheme);
  if (known.sha256 === contentHash(scheme)) return [];
  if (known.published) throw new DomainError('scheme-version-reused', { schemeId, version });
  const { revisedBy } = data;
  return [{ type: 'schemes.SchemeRevised.v1', data: { schemeId, version, scheme, revisedBy } }];
}

function publish(
  { data }: PublishScheme,
  state: Readonly<SchemeState>,
  { knowsUnit }: SchemeFacts,
): readonly SchemeEvent[] {
  requireId(data.publishedBy, 'publishedBy');
  const known = versionOf(state, data);
  if (known.published) return [];
  // api, authority: author ≠ publisher. Whoever revised the draft is an author of it too.
  if (known.authors.has(data.publishedBy)) {
    const { schemeId, version } = data;
    throw new DomainError('segregation-of-duties', { schemeId, version, field: 'publishedBy' });
  }
  const [unitId] = unknownUnitsOf(known, knowsUnit);
  if (unitId !== undefined) throw new DomainError('unknown-unit', { unitId });
  return [{ type: 'schemes.SchemePublished.v1', data: { ...data, sha256: known.sha256 } }];
}

function retire({ data }: RetireScheme, state: Readonly<SchemeState>): readonly SchemeEvent[] {
  requireId(data.retiredBy, 'retiredBy');
  requirePeriod(data.effectiveTo, 'effectiveTo');
  const { schemeId, version } = data;
  const known = versionOf(state, data);
  if (!known.published) throw new DomainError('scheme-not-published', { schemeId, version });
  if (known.retiredTo === data.effectiveTo) return [];
  if (known.retiredTo !== null) {
    throw new DomainError('scheme-already-retired', { schemeId, version });
  }
  // A retirement ends a version; it never makes one last longer than was published.
  const inside =
    data.effectiveTo >= known.effectiveFrom &&
    (known.effectiveTo === null || data.effectiveTo <= known.effectiveTo);
  requireForm(inside, 'effectiveTo');
  return [{ type: 'schemes.SchemeRetired.v1', data }];
}

/** One scheme with all its versions. */
export const schemes: Decider<SchemeState, SchemeCommand, SchemeEvent, SchemeFacts> = {
  initialState: () => ({ versions: new Map() }),

  evolve(state, event) {
    const { version } = event.data;
    switch (event.type) {
      case 'schemes.SchemeDrafted.v1':
        state.versions.set(version, {
          ...contentOf(event.data.scheme),
          published: false,
          retiredTo: null,
          authors: new Set([event.data.draftedBy]),
        });
        return state;
      case 'schemes.SchemeRevised.v1': {
        const known = state.versions.get(version);
        if (known) Object.assign(known, contentOf(event.data.scheme));
        known?.authors.add(event.data.revisedBy);
        return state;
      }
      case 'schemes.SchemePublished.v1': {
        const known = state.versions.get(version);
        if (known) known.published = true;
        return state;
      }
      case 'schemes.SchemeRetired.v1': {
        const known = state.versions.get(version);
        if (known) known.retiredTo = event.data.effectiveTo;
        return state;
      }
      default:
        return state;
    }
  },

  decide(command, state, facts) {
    switch (command.type) {
      case 'schemes.DraftScheme':
        return draft(command, state);
      case 'schemes.ReviseScheme':
        return revise(command, state);
      case 'schemes.PublishScheme':
        return publish(command, state, facts);
      case 'schemes.RetireScheme':
        return retire(command, state);
    }
  },
};

const contentOf = (scheme: Scheme) => ({
  sha256: contentHash(scheme),
  scope: scheme.scope,
  effectiveFrom: scheme.effectiveFrom,
  effectiveTo: scheme.effectiveTo ?? null,
});
