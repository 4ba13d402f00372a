import { type DatasetFolder, datasetFolder } from '../../test/support/dataset-folder.js';
import { openReplay } from './replay.js';
import { compareByCodePoint, sortRefusals } from './report.js';
import { writeTemplate } from './template.js';

let folder: DatasetFolder;
beforeEach(async () => {
  folder = await datasetFolder();
});
afterEach(() => folder.remove());

it('writes a template that reads as an empty dataset with one valid scheme', async () => {
  const files = await writeTemplate(`${folder.dir}/new/dataset`);
  expect(files).toHaveLength(19);
  const replay = await openReplay(`${folder.dir}/new/dataset`);
  expect(replay.refused).toEqual([]);
  expect(replay.schemes.map(({ file }) => file)).toEqual(['schemes/account-managers.v1.json']);
});

it('writes a template over nothing that is there', async () => {
  await folder.write({ 'units.csv': 'unitId,parentUnitId,name\n' });
  await expect(writeTemplate(folder.dir)).rejects.toThrow('is not empty');
});

it('sorts a report by file and line, files by code point', () => {
  const at = (file: string, line: number) => ({ file, line, code: 'malformed', reason: '' });
  const sorted = sortRefusals([
    at('schemes/😀.json', 1),
    at('b', 10),
    at('schemes/\uFF01.json', 1),
    at('b', 9),
  ]);
  expect(sorted.map(({ file, line }) => `${file}:${line}`)).toEqual([
    'b:9',
    'b:10',
    'schemes/\uFF01.json:1',
    'schemes/😀.json:1',
  ]);
  expect(compareByCodePoint('a', 'ab')).toBeLessThan(0);
});
