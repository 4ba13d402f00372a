import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { schemaDocument, schemaFileName } from '#contracts';
import { checkPublished, fileText, publish, PUBLISHED_FOLDER } from './published-files.js';

const TYPE = 'org.meritledger.payroll.bonus-line.v1';
const FILE = schemaFileName(TYPE);
type Schema = { readonly required: readonly string[]; readonly properties: object };

describe('published schemas', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'merit-published-'));
    await publish(folder);
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** As if the program had said something else when it was published. */
  async function publishedAs(change: (schema: Schema) => object): Promise<string> {
    const text = fileText(change(schemaDocument(TYPE) as Schema));
    await writeFile(join(folder, FILE), text);
    return text;
  }

  it('are kept by the program as it stands', async () => {
    expect(await checkPublished(PUBLISHED_FOLDER)).toEqual({ isGood: true, lines: [] });
  });

  it('stop the build when a field of theirs is gone, and are not written over', async () => {
    const text = await publishedAs((schema) => ({
      ...schema,
      properties: { ...schema.properties, payGroup: { type: 'string' } },
    }));
    const { isGood, lines } = await checkPublished(folder);
    expect(isGood).toBe(false);
    expect(lines).toContain(`  ${FILE} /payGroup: field-removed`);
    expect((await publish(folder)).isGood).toBe(false);
    expect(await readFile(join(folder, FILE), 'utf8')).toBe(text);
  });

  it('stop the build when a version is gone', async () => {
    const file = FILE.replace('.v1.', '.v0.');
    await writeFile(join(folder, file), fileText(schemaDocument(TYPE)));
    expect(await checkPublished(folder)).toMatchObject({ isGood: false });
    expect((await checkPublished(folder)).lines).toContain(`  ${file}: message-removed`);
  });

  it('grow by what is optional, when they are published anew', async () => {
    await publishedAs(({ properties, required, ...schema }) => {
      const { unitId: _, ...older } = properties as Record<string, unknown>;
      return {
        ...schema,
        required: required.filter((name) => name !== 'unitId'),
        properties: older,
      };
    });
    // `unitId` is required today: the older schema cannot grow by it.
    expect(await checkPublished(folder)).toMatchObject({ isGood: false });
    await publishedAs((schema) => ({ ...schema, description: 'Older words.' }));
    expect(await checkPublished(folder)).toEqual({
      isGood: true,
      lines: [`${FILE} differs from what is published; publish it.`],
    });
    expect((await publish(folder)).isGood).toBe(true);
    expect(await checkPublished(folder)).toEqual({ isGood: true, lines: [] });
    expect(await readdir(folder)).toContain('asyncapi.json');
  });
});
