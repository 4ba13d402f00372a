import { writeFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { answerRecorder } from '../../../test/support/answer-recorder.js';
import { describedApi } from '../../../test/support/described-api.js';
import { openTestApi, type TestApi } from '../../../test/support/api.js';
import { askEverything, playOffice } from '../../../test/support/office-story.js';
import { ANSWERS_FOLDER, type RecordedAnswer, recordedAnswers } from './recorded.js';

/** The documents themselves with their page, the schema of schemes (a file), Prometheus' own text. */
const NOT_RECORDED = [
  'documentation_asyncapi',
  'documentation_file',
  'documentation_openapi',
  'documentation_page',
  'documentation_schema',
  'operations_scrape',
  'schemes_schema',
];

let api: TestApi;
let live: Readonly<Record<string, RecordedAnswer>>;
let recorded: ReadonlyMap<string, RecordedAnswer>;
let missing: readonly string[];

/** One file an area: operations are named `<area>_<method>`. */
async function write(answers: Readonly<Record<string, RecordedAnswer>>): Promise<void> {
  const entries = Object.entries(answers);
  const areaOf = (id: string) => id.replace(/_.*$/, '');
  for (const area of new Set(entries.map(([id]) => areaOf(id)))) {
    const ofArea = entries.filter(([id]) => areaOf(id) === area);
    const text = `${JSON.stringify(Object.fromEntries(ofArea), null, 2)}\n`;
    await writeFile(new URL(`${area}.json`, ANSWERS_FOLDER), text);
  }
}

beforeAll(async () => {
  api = await openTestApi('2026-01-02T09:00:00+08:00');
  const recorder = await answerRecorder(api);
  await playOffice(api, recorder);
  await askEverything(recorder);
  live = recorder.recorded();
  missing = recorder.missing();
  if (process.env['UPDATE_ANSWERS'] === '1') await write(live);
  recorded = recordedAnswers();
}, 120_000);
afterAll(() => api?.close());

describe('the answers that the document shows', () => {
  it('are of every operation', () => {
    expect(missing.toSorted()).toEqual(NOT_RECORDED);
    expect([...recorded.keys()].toSorted()).toEqual(Object.keys(live).toSorted());
  });

  it('are in the document', async () => {
    const { operations } = await describedApi(api.url);
    const shown = operations.flatMap(({ id, of }) => {
      const answers = Object.entries(of.responses).flatMap(([status, answer]) =>
        status.startsWith('2') && 'content' in answer ? Object.entries(answer.content ?? {}) : [],
      );
      return answers.map(([mediaType, { example }]) => [id, { mediaType, example }] as const);
    });
    const expected = [...recorded].map(([id, { mediaType, example }]) => [
      id,
      { mediaType, example },
    ]);
    expect(Object.fromEntries(shown)).toEqual(Object.fromEntries(expected));
  });

  it.each([...recordedAnswers().keys()])('%s has the form that it answers with', (id) => {
    const formOf = (of: RecordedAnswer | undefined) => [of?.mediaType, of?.schema];
    expect(formOf(live[id])).toEqual(formOf(recorded.get(id)));
  });

  it('are of the form that is said of them', () => {
    const ajv = new Ajv2020({ strict: false });
    const wrong = [...recorded].filter(([, { schema, example, mediaType }]) => {
      const isJson = mediaType === 'application/json';
      return schema !== undefined && isJson && !ajv.validate(schema, example);
    });
    expect(wrong.map(([id]) => id)).toEqual([]);
  });
});
