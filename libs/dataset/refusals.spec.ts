import { type DatasetFolder, datasetFolder } from '../../test/support/dataset-folder.js';
import { openReplay } from './replay.js';
import type { Refusal } from './report.js';
import { TEMPLATE_SCHEME } from './template.js';

let folder: DatasetFolder;
beforeEach(async () => {
  folder = await datasetFolder();
});
afterEach(() => folder.remove());

const UNITS = 'unitId,parentUnitId,name\nHQ,,总部\n';
const PEOPLE =
  'accountManagerId,name,unitId,position,supervisorId,joinedOn,leftOn\nA1,甲,HQ,rm,S1,2025-01-01,\n';
const ORGANISATION = { 'units.csv': UNITS, 'account-managers.csv': PEOPLE };

async function open(
  files: Readonly<Record<string, string | Uint8Array>>,
  encoding?: string,
): Promise<{ readonly refused: readonly Refusal[]; readonly rowCount: number }> {
  await folder.write(files);
  const replay = await openReplay(folder.dir, { tempDir: folder.tempDir, encoding });
  await replay.close();
  expect(await folder.spilledFiles()).toEqual([]);
  return { refused: replay.refused, rowCount: replay.rowCount };
}

const HEADERS: Readonly<Record<string, string>> = {
  'calendar.csv': 'date,kind',
  'units.csv': 'unitId,parentUnitId,name',
  'account-managers.csv': 'accountManagerId,name,unitId,position,supervisorId,joinedOn,leftOn',
  'absences.csv': 'accountManagerId,from,to,kind',
  'capabilities.csv': 'accountManagerId,capability,certifiedOn,validUntil',
  'goals.csv': 'accountManagerId,period,indicatorId,target',
  'team-pools.csv': 'unitId,period,amountMinor',
  'cycles.csv': 'period,openedAt,closedAt,publishedAt,finalisedAt,sealedAt',
  'metrics.csv': 'recordId,accountManagerId,period,indicatorId,actual,recordedAt,source',
  'evaluations.csv':
    'evaluationId,accountManagerId,period,indicatorId,raterId,raterGroup,score,submittedAt,comment',
  'feedback-calls.csv':
    'callId,accountManagerId,customerId,channel,outcome,attitude,expertise,responsiveness,satisfaction,calledAt,comment',
  'work-traces.csv': 'traceId,accountManagerId,type,customerId,occurredAt,loggedAt,note',
  'complaints.csv': 'complaintId,accountManagerId,customerId,raisedAt,upheld,decidedAt,category',
  'adjustments.csv': 'adjustmentId,accountManagerId,period,points,reason,grantedBy,grantedAt',
  'vetoes.csv': 'vetoId,accountManagerId,period,code,reason,recordedAt',
  'sales-credits.csv':
    'creditId,accountManagerId,period,productId,amountMinor,creditedAt,originalCreditId',
  'awards.csv': 'awardId,accountManagerId,period,code,amountMinor,reason,grantedAt',
  'appeals.csv':
    'appealId,accountManagerId,period,filedAt,grounds,disputedRecordIds,reviewerId,decidedAt,outcome,corrections',
};

const T = '2026-01-31T09:00:00+08:00';
const LATER = '2026-02-02T09:00:00+08:00';
const INSTANT_FORM = 'must be an instant with its offset, such as 2026-01-31T17:30:00+08:00';
const CORRECTION_FORM = 'must be a JSON array of';
const quoteCell = (json: string): string => `"${json.replaceAll('"', '""')}"`;
const appeal = (outcome: string, corrections: string): string =>
  `P1,A1,2026-01,${T},,E1,R1,${LATER},${outcome},${quoteCell(corrections)}`;

/** file, bad row, what the reason must say */
const BAD_ROWS: readonly (readonly [string, string, string])[] = [
  ['calendar.csv', '2026-02-30,holiday', 'date "2026-02-30" must be a day that exists'],
  ['calendar.csv', '2026-02-28,feast', 'kind "feast" must be one of holiday, workday'],
  ['units.csv', '*,,all', 'unitId "*" must not be *'],
  ['units.csv', 'U1,U9,x', 'parentUnitId "U9" names a unit that units.csv does not define'],
  ['units.csv', 'U1,U1,x', 'parentUnitId "U1" makes the unit a unit below itself'],
  ['units.csv', 'HQ,,again', 'repeats the unitId of line 2'],
  ['account-managers.csv', 'A1,乙,HQ,rm,,2025-01-01,', 'repeats the accountManagerId of line 2'],
  ['account-managers.csv', 'A2,乙,U9,rm,,2025-01-01,', 'unitId names a unit'],
  [
    'account-managers.csv',
    'A2,乙,HQ,rm,,2025-01-02,2025-01-01',
    'leftOn "2025-01-01" is before joinedOn',
  ],
  ['account-managers.csv', 'A2,乙,HQ,,,2025-01-02,', 'position is missing'],
  ['account-managers.csv', ' A2,乙,HQ,rm,,2025-01-02,', 'blanks around it'],
  ['absences.csv', 'A1,2026-01-03,2026-01-02,sick', 'to "2026-01-02" is before from "2026-01-03"'],
  ['capabilities.csv', 'A1,cert,2026-01-03,2026-01-02', 'validUntil "2026-01-02" is before'],
  ['goals.csv', 'A1,2026-13,sales,80', 'period "2026-13" must be a month, such as 2026-01'],
  ['goals.csv', 'A1,2026-01,sales,1e3', 'target "1e3" must be a plain decimal'],
  ['team-pools.csv', 'U9,2026-01,100', 'unitId names a unit that units.csv does not define'],
  ['team-pools.csv', 'HQ,2026-01,-1', '0 or above'],
  ['cycles.csv', `2026-01,${LATER},${T},,,`, 'is before openedAt'],
  ['cycles.csv', `2026-01,${T},,${LATER},,`, 'publishedAt is given without closedAt'],
  [
    'cycles.csv',
    `2026-01,${T},${T},${T},,2026-01-30T00:00:00Z`,
    'sealedAt "2026-01-30T00:00:00Z" is before publishedAt',
  ],
  ['cycles.csv', `2026-01,,,,,`, 'openedAt is missing'],
  ['metrics.csv', `,A1,2026-01,sales,80,${T},`, 'recordId is missing'],
  ['metrics.csv', `M\u0007,A1,2026-01,sales,80,${T},`, 'without control characters'],
  ['metrics.csv', `${'M'.repeat(129)},A1,2026-01,sales,80,${T},`, 'at most 128 characters'],
  ['metrics.csv', `M1,A1,2026-01,sales,80.,${T},`, 'actual "80." must be a plain decimal'],
  ['metrics.csv', 'M1,A1,2026-01,sales,80,2026-01-31T09:00:00,', INSTANT_FORM],
  ['metrics.csv', 'M1,A1,2026-01,sales,80,2026-02-29T09:00:00Z,', INSTANT_FORM],
  ['metrics.csv', 'M1,A1,2026-01,sales,80,0026-02-28T09:00:00Z,', INSTANT_FORM],
  ['metrics.csv', `M1,A1,2026-01,sales,80,${T}`, 'the row has 6 fields where the header names 7'],
  [
    'evaluations.csv',
    `E1,A1,2026-01,i,R,boss,80,${T},`,
    'raterGroup "boss" must be one of self, supervisor, peer, customer',
  ],
  [
    'evaluations.csv',
    `E1,A1,2026-01,i,R,peer,100.01,${T},`,
    'score "100.01" must be a plain decimal from 0 to 100',
  ],
  [
    'evaluations.csv',
    `E1,A1,2026-01,i,R,peer,100.000000000000000000000000000001,${T},`,
    'from 0 to 100',
  ],
  ['evaluations.csv', `E1,A1,2026-01,i,R,peer,-0.01,${T},`, 'from 0 to 100'],
  [
    'feedback-calls.csv',
    `F1,A1,C1,mail,completed,1,,,,${T},`,
    'channel "mail" must be one of phone, walk',
  ],
  ['feedback-calls.csv', `F1,A1,C1,phone,done,1,,,,${T},`, 'outcome "done" must be one of'],
  [
    'feedback-calls.csv',
    `F1,A1,C1,phone,completed,6,,,,${T},`,
    'attitude "6" must be a whole number from 1 to 5',
  ],
  [
    'feedback-calls.csv',
    `F1,A1,C1,phone,completed,4.5,,,,${T},`,
    'attitude "4.5" must be a whole number',
  ],
  [
    'feedback-calls.csv',
    `F1,A1,C1,phone,refused,,4,,,${T},`,
    'expertise must be empty in a call with the outcome refused',
  ],
  ['work-traces.csv', `T1,A1,,C1,${T},${T},`, 'type is missing'],
  ['complaints.csv', `Q1,A1,C1,${T},true,,delivery`, 'upheld and decidedAt must both be there'],
  ['complaints.csv', `Q1,A1,C1,${T},,${LATER},delivery`, 'upheld and decidedAt must both be there'],
  ['complaints.csv', `Q1,A1,C1,${LATER},true,${T},delivery`, 'is before raisedAt'],
  [
    'complaints.csv',
    `Q1,A1,C1,${T},yes,${LATER},delivery`,
    'upheld "yes" must be one of true, false',
  ],
  ['adjustments.csv', `J1,A1,2026-01,+3,x,O,${T}`, 'points "+3" must be a plain decimal'],
  ['vetoes.csv', `V1,A1,2026-01,,x,${T}`, 'code is missing'],
  [
    'sales-credits.csv',
    `S1,A1,2026-01,p,-1,${T},`,
    'of a sale is below 0; a return names originalCreditId',
  ],
  ['sales-credits.csv', `S1,A1,2026-01,p,1,${T},S0`, 'amountMinor "1" of a return is above 0'],
  ['sales-credits.csv', `S1,A1,2026-01,p,1.5,${T},`, 'must be a whole number of minor units'],
  ['sales-credits.csv', `S1,A1,2026-01,p,${'9'.repeat(21)},${T},`, 'at most 20 digits'],
  ['awards.csv', `W1,A1,2026-01,c,,x,${T}`, 'amountMinor is missing'],
  ['appeals.csv', `P1,A1,2026-01,${LATER},,E1,R1,${T},dismissed,`, 'is before filedAt'],
  [
    'appeals.csv',
    `P1,A1,2026-01,${T},,E1,R1,,dismissed,`,
    'outcome and decidedAt must both be there',
  ],
  [
    'appeals.csv',
    `P1,A1,2026-01,${T},,E1,R1,${LATER},,`,
    'outcome and decidedAt must both be there',
  ],
  ['appeals.csv', `P1,A1,2026-01,${T},,E1,,${LATER},upheld,`, 'reviewerId is missing'],
  [
    'appeals.csv',
    `P1,A1,2026-01,${T},,E1,R1,${LATER},granted,`,
    'outcome "granted" must be one of',
  ],
  ['appeals.csv', `P1,A1,2026-01,${T},,E1;;E2,R1,${LATER},dismissed,`, 'record ids with ; between'],
  ['appeals.csv', `P;1,A1,2026-01,${T},,E1,R1,${LATER},dismissed,`, 'without ;'],
  [
    'appeals.csv',
    appeal('dismissed', '[{"type":"adjust","points":"3"}]'),
    'neither upheld nor partially-upheld',
  ],
  ['appeals.csv', appeal('upheld', '{"type":"adjust","points":"3"}'), CORRECTION_FORM],
  ['appeals.csv', appeal('upheld', '[{"type":"adjust","points":3}]'), 'corrections[0]: must be'],
  ['appeals.csv', appeal('upheld', '[{"type":"adjust","points":"3","x":"1"}]'), CORRECTION_FORM],
  [
    'appeals.csv',
    appeal('upheld', '[{"type":"adjust","points":"3","points":"4"}]'),
    'names "points" twice',
  ],
  ['appeals.csv', appeal('upheld', '[{"type":"strike"}]'), CORRECTION_FORM],
  [
    'appeals.csv',
    appeal('upheld', '[{"type":"replace","recordId":"E1","value":"1/2"}]'),
    CORRECTION_FORM,
  ],
  [
    'appeals.csv',
    appeal('upheld', '[{"__proto__":{"type":"adjust","points":"3"}}]'),
    CORRECTION_FORM,
  ],
  ['appeals.csv', appeal('upheld', '[{"type":'), 'corrections is not JSON'],
];

describe('a malformed row', () => {
  it.each(BAD_ROWS)('of %s is one clear line: %s', async (file, row, reason) => {
    const text =
      file in ORGANISATION ? ORGANISATION[file as keyof typeof ORGANISATION] : `${HEADERS[file]}\n`;
    const { refused } = await open({ ...ORGANISATION, [file]: `${text}${row}\n` });
    const line = text.split('\n').length;
    expect(refused).toEqual([
      { file, line, code: 'malformed', reason: expect.stringContaining(reason) },
    ]);
  });

  it('names everything that is wrong with it, and no personal text', async () => {
    const comment = '电话13800000000'.repeat(1_000);
    const { refused } = await open({
      ...ORGANISATION,
      'evaluations.csv': `${HEADERS['evaluations.csv']}\nE1,A1,2026-01,i,,peer,x,${T},${comment}\n`,
    });
    expect(refused.map(({ reason }) => reason)).toEqual([
      'raterId is missing; score "x" must be a plain decimal from 0 to 100; ' +
        'comment must be a text of at most 8000 characters, without NUL characters',
    ]);
  });

  it('costs nothing but itself', async () => {
    const { refused, rowCount } = await open({
      ...ORGANISATION,
      'metrics.csv': [
        HEADERS['metrics.csv'],
        `M1,A1,2026-01,sales,80,${T},erp`,
        `M2,A1,2026-01,sales,"80,${T},erp`,
        `M3,A1,2026-01,sales,80,${T},erp`,
      ].join('\n'),
      'vetoes.csv': `${HEADERS['vetoes.csv']}\nV1,A1,2026-01,breach,"两行\n理由",${T}\nV2,A1,x,breach,,${T}\n`,
    });
    expect(rowCount).toBe(3);
    expect(refused).toEqual([
      {
        file: 'metrics.csv',
        line: 3,
        code: 'malformed',
        reason: 'the row opens a quoted field (") that is never closed',
      },
      {
        file: 'vetoes.csv',
        line: 4,
        code: 'malformed',
        reason: expect.stringContaining('period "x"'),
      },
    ]);
  });

  it.each([
    [
      'a sale and a return of 0',
      'sales-credits.csv',
      `S1,A1,2026-01,p,0,${T},\nS2,A1,2026-01,p,0,${T},S1`,
    ],
    ['a trace logged before it happened', 'work-traces.csv', `T1,A1,visit,,${LATER},${T},`],
    [
      'a decision in the moment of filing',
      'appeals.csv',
      `P1,A1,2026-01,${T},,,,${T},inadmissible,[]`,
    ],
    [
      'a withdrawn appeal without a reviewer',
      'appeals.csv',
      `P1,A1,2026-01,${T},,,,${LATER},withdrawn,`,
    ],
    [
      'leap days, fractions and Z',
      'metrics.csv',
      'M1,A1,2028-02,s,-0.5,2028-02-29T23:59:59.123456789Z,',
    ],
  ])('is not what %s makes', async (_what, file, rows) => {
    const { refused } = await open({ ...ORGANISATION, [file]: `${HEADERS[file]}\n${rows}\n` });
    expect(refused).toEqual([]);
  });
});

describe('master data', () => {
  it('refuses what is about nobody by its own code', async () => {
    const { refused } = await open({
      ...ORGANISATION,
      'absences.csv': `${HEADERS['absences.csv']}\nA9,2026-01-01,2026-01-02,sick\n`,
      'capabilities.csv': `${HEADERS['capabilities.csv']}\nA9,cert,2026-01-01,\n`,
    });
    const reason = 'accountManagerId names nobody in account-managers.csv';
    expect(refused).toEqual([
      { file: 'absences.csv', line: 2, code: 'unknown-account-manager', reason },
      { file: 'capabilities.csv', line: 2, code: 'unknown-account-manager', reason },
    ]);
  });

  it('names every unit of a ring, and the units and people below it', async () => {
    const { refused } = await open({
      'units.csv': `${UNITS}A,C,a\nB,A,b\nC,B,c\nD,C,d\nE,HQ,e\n`,
      'account-managers.csv': `${PEOPLE}A2,乙,D,rm,,2025-01-01,\nA3,丙,E,rm,,2025-01-01,\n`,
    });
    expect(refused.map(({ file, line, reason }) => [file, line, reason.slice(0, 36)])).toEqual([
      ['account-managers.csv', 3, 'unitId names a unit that units.csv d'],
      ['units.csv', 3, 'parentUnitId "C" makes the unit a un'],
      ['units.csv', 4, 'parentUnitId "A" makes the unit a un'],
      ['units.csv', 5, 'parentUnitId "B" makes the unit a un'],
      ['units.csv', 6, 'parentUnitId "C" names a unit that u'],
    ]);
  });

  it('puts parents before their children, wherever they stand in the file', async () => {
    await folder.write({ 'units.csv': 'unitId,parentUnitId,name\nC,B,c\nB,A,b\nA,,a\n' });
    const replay = await openReplay(folder.dir);
    expect(replay.masterData.units.map(({ unitId }) => unitId)).toEqual(['A', 'B', 'C']);
  });

  it('may build on units and people of an earlier import', async () => {
    await folder.write({
      'units.csv': 'unitId,parentUnitId,name\nB,OLD,b\n',
      'absences.csv': `${HEADERS['absences.csv']}\nA9,2026-01-01,2026-01-02,sick\n`,
    });
    const known = {
      unit: (id: string) => id === 'OLD',
      accountManager: (id: string) => id === 'A9',
    };
    expect((await openReplay(folder.dir, { known })).refused).toEqual([]);
  });
});

describe('a file', () => {
  it('may hold its columns in any order, behind a byte order mark, with CRLF', async () => {
    await folder.write({
      'calendar.csv': '\uFEFFkind,date\r\nholiday,2026-01-01\r\n',
      'units.csv': '',
    });
    const replay = await openReplay(folder.dir);
    expect(replay.refused).toEqual([]);
    expect(replay.masterData.calendar).toEqual([
      { file: 'calendar.csv', line: 2, date: '2026-01-01', kind: 'holiday' },
    ]);
  });

  it.each([
    [
      'unknown columns',
      'date,kind,colour',
      'the header has unknown columns "colour"; known are date, kind',
    ],
    ['missing columns', 'date', 'the header lacks the columns "kind"; known are date, kind'],
    [
      'repeated columns',
      'date,kind,kind',
      'the header names the columns "kind" twice; known are date, kind',
    ],
    ['a broken header', 'date,"kind', 'the header opens a quoted field (") that is never closed'],
  ])('with %s is refused in one line', async (_what, header, reason) => {
    const { refused } = await open({ 'calendar.csv': `${header}\n2026-01-01,holiday\n` });
    expect(refused).toEqual([{ file: 'calendar.csv', line: 1, code: 'malformed', reason }]);
  });

  it('that is not UTF-8 is refused as a whole, with a word about --encoding', async () => {
    const gb18030 = Buffer.concat([
      Buffer.from('unitId,parentUnitId,name\nU1,,abc\nU2,,'),
      Buffer.from([0xc4, 0xe3]), // 你
      Buffer.from('\n'),
    ]);
    const { refused } = await open({ 'units.csv': gb18030 });
    expect(refused).toEqual([
      {
        file: 'units.csv',
        line: 1,
        code: 'malformed',
        reason: expect.stringContaining('--encoding gb18030'),
      },
    ]);
    const replay = await openReplay(folder.dir, { encoding: 'GB18030' });
    expect(replay.masterData.units.at(-1)?.name).toBe('你');
  });

  it('with a byte order mark is UTF-8 whatever the encoding of the others', async () => {
    await folder.write({ 'units.csv': `\uFEFF${UNITS}` });
    const replay = await openReplay(folder.dir, { encoding: 'gb18030' });
    expect(replay.masterData.units[0]?.name).toBe('总部');
  });

  it('of tables that no dataset has is named and not passed over', async () => {
    const { refused } = await open({ 'metric.csv': 'x\n' });
    expect(refused).toEqual([
      {
        file: 'metric.csv',
        line: 1,
        code: 'malformed',
        reason: expect.stringContaining('metrics.csv'),
      },
    ]);
  });

  it('may be missing, and so may all', async () => {
    expect(await open({})).toEqual({ refused: [], rowCount: 0 });
  });

  it('needs a directory and a known encoding around it', async () => {
    await expect(openReplay(`${folder.dir}/nowhere`)).rejects.toThrow(
      'there is no dataset directory',
    );
    await expect(openReplay(folder.dir, { encoding: 'latin1' })).rejects.toThrow(
      'unknown encoding latin1; known are utf-8, gb18030',
    );
  });
});

describe('a scheme file', () => {
  const scheme = JSON.stringify(TEMPLATE_SCHEME);

  it('is refused in one line that names every mistake', async () => {
    const wrong = { ...TEMPLATE_SCHEME, currency: 'yuan', colour: 'red' };
    const { refused } = await open({ 'schemes/a.json': JSON.stringify(wrong) });
    expect(refused).toEqual([
      {
        file: 'schemes/a.json',
        line: 1,
        code: 'malformed',
        reason: expect.stringMatching(/currency.*; .*colour|colour.*; .*currency/),
      },
    ]);
  });

  it('is refused where it is no JSON or names a key twice', async () => {
    const { refused } = await open({
      'schemes/a.json': '{',
      'schemes/b.json': scheme.replace('"version":1', '"version":1,"version":2'),
      'schemes/c.json': '[]',
      'schemes/notes.txt': 'not read',
    });
    expect(refused.map(({ file, reason }) => [file, reason])).toEqual([
      ['schemes/a.json', expect.stringContaining('is not JSON')],
      ['schemes/b.json', 'the file names "version" twice in one object; leave one of them'],
      ['schemes/c.json', expect.any(String)],
    ]);
  });

  it('is harmless with __proto__ in it', async () => {
    const { refused } = await open({
      'schemes/a.json': scheme.replace('{', '{"__proto__":{"currency":"EUR"},'),
    });
    expect(refused).toHaveLength(1);
    expect(Object.prototype).not.toHaveProperty('currency');
  });

  it('of a version that an earlier file holds is refused, by file name', async () => {
    await folder.write({ 'schemes/b.json': scheme, 'schemes/a.json': scheme });
    const replay = await openReplay(folder.dir);
    expect(replay.schemes.map(({ file }) => file)).toEqual(['schemes/a.json']);
    expect(replay.refused).toEqual([
      {
        file: 'schemes/b.json',
        line: 1,
        code: 'malformed',
        reason: 'is version 1 of account-managers, as schemes/a.json is already',
      },
    ]);
  });
});
