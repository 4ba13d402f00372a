import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { allEventSpecs } from '#contexts/registry';

const CONTEXTS = join(process.cwd(), 'libs/contexts');
const PUBLISHED = join(process.cwd(), 'test/fixtures/events');
const WIRE_NAME = /^[a-z]+(-[a-z]+)*\.[A-Z][A-Za-z]+\.v[1-9]\d*$/;

type Published = { type: string; schemaVersion: number; data: unknown };

/** Example data of every event type, as the contexts' own fixtures have them. */
async function fixtures(): Promise<Map<string, unknown>> {
  const found = new Map<string, unknown>();
  for (const context of await readdir(CONTEXTS)) {
    const folder = await readdir(join(CONTEXTS, context));
    if (!folder.includes('fixtures.ts')) continue;
    const module = (await import(`../../libs/contexts/${context}/fixtures.ts`)) as object;
    for (const exported of Object.values(module)) {
      if (typeof exported !== 'object' || exported === null) continue;
      for (const [type, data] of Object.entries(exported as object)) {
        if (WIRE_NAME.test(type)) found.set(type, data);
      }
    }
  }
  return found;
}

async function published(): Promise<Published[]> {
  const files = await readdir(PUBLISHED);
  const texts = await Promise.all(files.map((file) => readFile(join(PUBLISHED, file), 'utf8')));
  return texts.map((text) => JSON.parse(text) as Published);
}

/** Every path of a value with the JSON type found there; array elements share one path. */
function shapeOf(value: unknown, path = ''): Map<string, string> {
  const shape = new Map<string, string>();
  const type = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
  shape.set(path, type);
  const members = Array.isArray(value)
    ? value.map((item) => ['[]', item] as const)
    : Object.entries(typeof value === 'object' && value !== null ? value : {});
  for (const [key, member] of members) {
    for (const [at, of] of shapeOf(member, `${path}/${key}`)) shape.set(at, of);
  }
  return shape;
}

describe('the event registry', () => {
  it('holds every event type once, under an explicit wire name of its own context', () => {
    const types = allEventSpecs.map(({ type }) => type);
    expect(new Set(types).size).toBe(types.length);
    for (const { type, schemaVersion } of allEventSpecs) {
      expect(type).toMatch(WIRE_NAME);
      expect(type.endsWith(`.v${schemaVersion}`)).toBe(true);
    }
  });

  it('has a fixture and a published example of every event type, and none beside', async () => {
    const types = allEventSpecs.map(({ type }) => type).sort();
    expect([...(await fixtures()).keys()].sort()).toEqual(types);
    expect((await published()).map(({ type }) => type).sort()).toEqual(types);
  });

  it('has every event type in the events file of the context that its name tells', async () => {
    for (const { type } of allEventSpecs) {
      const [context = ''] = type.split('.');
      const source = await readFile(join(CONTEXTS, context, 'events.ts'), 'utf8');
      expect(source).toContain(`readonly type: '${type}'`);
    }
  });

  it('keeps every field of a published version, with its type', async () => {
    const current = await fixtures();
    for (const { type, data } of await published()) {
      const now = shapeOf(current.get(type));
      for (const [path, kind] of shapeOf(data)) {
        if (kind === 'null' || now.get(path) === 'null') continue;
        expect([type, path, now.get(path)]).toEqual([type, path, kind]);
      }
    }
  });

  it('marks every free text and name as personal, with a subject and a purpose', () => {
    const personal = allEventSpecs.flatMap(({ type, personal: fields = {} }) =>
      Object.keys(fields).map((field) => `${type} ${field}`),
    );
    expect(personal).toEqual(
      expect.arrayContaining([
        'people.AccountManagerEnrolled.v1 name',
        'evaluations.EvaluationSubmitted.v1 comment',
        'feedback-calls.FeedbackCallCompleted.v1 comment',
        'work-traces.WorkTraceLogged.v1 note',
        'conduct.AdjustmentGranted.v1 reason',
        'conduct.VetoRecorded.v1 reason',
        'conduct.AwardGranted.v1 reason',
        'appeals.AppealFiled.v1 grounds',
      ]),
    );
  });

  it('has no free text in published examples that the registry does not mark', async () => {
    const texts = new Set(['name', 'comment', 'note', 'reason', 'reasons', 'grounds', 'phone']);
    // Names of units and schemes are the organisation's own and nobody's personal data.
    const impersonal = new Set(['people.UnitDefined.v1 name']);
    for (const { type, data } of await published()) {
      const spec = allEventSpecs.find((known) => known.type === type);
      for (const field of Object.keys(data as object)) {
        if (!texts.has(field) || impersonal.has(`${type} ${field}`)) continue;
        const isCode = type === 'bonus-batches.BatchSuperseded.v1' && field === 'reason';
        if (!isCode)
          expect([type, Object.keys(spec?.personal ?? {})]).toContainEqual(
            expect.arrayContaining([field]),
          );
      }
    }
  });
});
