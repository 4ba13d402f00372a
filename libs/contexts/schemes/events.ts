import type { EventSpec } from '#kernel';
import type { Scheme } from '#rules';

/** Stream `scheme-{schemeId}`: every version of one scheme. */
export const schemeStream = (schemeId: string): string => `scheme-${schemeId}`;

export type SchemeDrafted = {
  readonly type: 'schemes.SchemeDrafted.v1';
  readonly data: {
    readonly schemeId: string;
    readonly version: number;
    readonly scheme: Scheme;
    readonly draftedBy: string;
  };
};

export type SchemeRevised = {
  readonly type: 'schemes.SchemeRevised.v1';
  readonly data: {
    readonly schemeId: string;
    readonly version: number;
    readonly scheme: Scheme;
    readonly revisedBy: string;
  };
};

export type SchemePublished = {
  readonly type: 'schemes.SchemePublished.v1';
  readonly data: {
    readonly schemeId: string;
    readonly version: number;
    readonly sha256: string; // of the canonical scheme that was published
    readonly publishedBy: string;
  };
};

export type SchemeRetired = {
  readonly type: 'schemes.SchemeRetired.v1';
  readonly data: {
    readonly schemeId: string;
    readonly version: number;
    readonly effectiveTo: string; // last period, YYYY-MM
    readonly retiredBy: string;
  };
};

export type SchemeEvent = SchemeDrafted | SchemeRevised | SchemePublished | SchemeRetired;

export const schemeEvents: readonly EventSpec[] = [
  { type: 'schemes.SchemeDrafted.v1', schemaVersion: 1 },
  { type: 'schemes.SchemeRevised.v1', schemaVersion: 1 },
  { type: 'schemes.SchemePublished.v1', schemaVersion: 1 },
  { type: 'schemes.SchemeRetired.v1', schemaVersion: 1 },
];
