import type { Language } from '#platform';

/** What people read in tables, by the names that records use. */
const TITLES = {
  accountManagerId: ['客户经理', 'Account manager'],
  period: ['考核期', 'Period'],
  schemeId: ['考核方案', 'Scheme'],
  schemeVersion: ['版本', 'Version'],
  status: ['状态', 'Status'],
  resultVersion: ['结果版本', 'Result'],
  eligibleDays: ['在岗天数', 'Days'],
  workdays: ['工作日', 'Workdays'],
  score: ['得分', 'Score'],
  grade: ['考核等次', 'Grade'],
  ceilingApplied: ['受上限', 'Ceiling'],
  tier: ['等级', 'Tier'],
  nextTier: ['下期等级', 'Next tier'],
  movement: ['变动', 'Movement'],
  streak: ['连续期数', 'Streak'],
  promotionWithheld: ['欠缺能力', 'Withheld for'],
  improvementPlanRequired: ['改进计划', 'Improvement plan'],
  unitId: ['单位', 'Unit'],
  place: ['位次', 'Place'],
  rank: ['名次', 'Rank'],
  payPeriod: ['薪资期', 'Pay period'],
  kind: ['类别', 'Kind'],
  of: ['更正项', 'Of'],
  reference: ['凭据', 'Reference'],
  amountMinor: ['金额(分)', 'Amount (minor)'],
  amount: ['金额', 'Amount'],
  cause: ['依据', 'Cause'],
  file: ['文件', 'File'],
  line: ['行', 'Line'],
  code: ['代码', 'Code'],
  reason: ['原因', 'Reason'],
  count: ['数量', 'Count'],
  account: ['账户类别', 'Accounts'],
  pending: ['待定', 'Pending'],
  posted: ['已记', 'Posted'],
  projection: ['投影', 'Projection'],
  table: ['表', 'Table'],
  key: ['键', 'Key'],
  column: ['列', 'Column'],
  rowCount: ['行数', 'Rows'],
} as const satisfies Record<string, readonly [zh: string, en: string]>;

/** What a command says, beside tables. */
const SENTENCES = {
  accepted: ['接受', 'accepted'],
  repeated: ['重复', 'repeated'],
  refused: ['拒绝', 'refused'],
  dryRun: ['试运行：未写入任何内容', 'dry run: nothing was written'],
  reading: ['读取', 'reading'],
  masterData: ['主数据', 'master data'],
  facts: ['事实', 'facts'],
  publication: ['公示', 'publication'],
  settlement: ['结算', 'settlement'],
  copying: ['复制日志', 'copying the log'],
  comparingCopy: ['核对副本', 'comparing the copy'],
  tryingAgain: ['没有回应，正在重试', 'no answer, trying again'],
  copyInterrupted: [
    '已中断；已复制的都保留着，再次执行 merit copy-log 即可继续',
    'interrupted; what was copied stays: merit copy-log goes on from there',
  ],
  rebuilding: ['重建', 'rebuilding'],
  verifying: ['核对', 'verifying'],
} as const satisfies Record<string, readonly [zh: string, en: string]>;

const IN_LANGUAGE: Readonly<Record<Language, 0 | 1>> = { zh: 0, en: 1 };

export type Title = keyof typeof TITLES;
export type Sentence = keyof typeof SENTENCES;

export const titleOf = (name: Title, language: Language): string =>
  TITLES[name][IN_LANGUAGE[language]];

export const wordOf = (name: Sentence, language: Language): string =>
  SENTENCES[name][IN_LANGUAGE[language]];

/** One of two texts that stand beside each other in the source. */
export const inLanguage = (language: Language, zh: string, en: string): string =>
  language === 'zh' ? zh : en;
