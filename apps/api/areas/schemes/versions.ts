import { type SchemeEvent, schemeStream } from '#contexts/schemes';
import type { Engine } from '#commands';
import { contentHash } from '#kernel';
import type { Scheme } from '#rules';

type Act = { readonly by: string; readonly at: string };

/** One version from its draft to its end, with who did what. */
export type SchemeHistory = {
  readonly schemeId: string;
  readonly version: number;
  state: 'draft' | 'published' | 'retired';
  scheme: Scheme;
  sha256: string;
  readonly authors: Act[]; // drafted and revised, in order
  publisher: Act | null;
  retirement: (Act & { readonly effectiveTo: string }) | null;
  revision: number; // of the scheme's stream, when the version changed last
};

/** Every version of the schemes asked for, by scheme and version. */
export async function versionsOf(
  { log }: Pick<Engine, 'log'>,
  schemeIds: readonly string[],
): Promise<ReadonlyMap<string, ReadonlyMap<number, SchemeHistory>>> {
  const schemes = new Map<string, Map<number, SchemeHistory>>();
  for await (const events of log.readStreams(schemeIds.map(schemeStream))) {
    for (const { type, data, metadata, revision } of events) {
      const fact = { type, data } as SchemeEvent;
      const act = { by: metadata.actor.id, at: metadata.recordedAt };
      const { schemeId, version } = fact.data;
      const versions = schemes.get(schemeId) ?? new Map<number, SchemeHistory>();
      schemes.set(schemeId, versions);
      if (fact.type === 'schemes.SchemeDrafted.v1') {
        versions.set(version, drafted(fact.data, act, revision));
        continue;
      }
      const known = versions.get(version);
      if (!known) continue;
      known.revision = revision;
      apply(known, fact, act);
    }
  }
  return schemes;
}

function drafted(
  {
    schemeId,
    version,
    scheme,
    draftedBy,
  }: Extract<SchemeEvent, { type: `${string}Drafted.v1` }>['data'],
  { at }: Act,
  revision: number,
): SchemeHistory {
  return {
    schemeId,
    version,
    state: 'draft',
    scheme,
    sha256: contentHash(scheme),
    authors: [{ by: draftedBy, at }],
    publisher: null,
    retirement: null,
    revision,
  };
}

function apply(known: SchemeHistory, { type, data }: SchemeEvent, { at }: Act): void {
  switch (type) {
    case 'schemes.SchemeRevised.v1':
      known.scheme = data.scheme;
      known.sha256 = contentHash(data.scheme);
      known.authors.push({ by: data.revisedBy, at });
      return;
    case 'schemes.SchemePublished.v1':
      known.state = 'published';
      known.publisher = { by: data.publishedBy, at };
      return;
    case 'schemes.SchemeRetired.v1':
      known.state = 'retired';
      known.retirement = { by: data.retiredBy, at, effectiveTo: data.effectiveTo };
      return;
    default:
  }
}
