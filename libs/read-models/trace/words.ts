import type { LocalText } from '#rules';

const text = (zh: string, en: string): LocalText => ({ zh, en });

/** What each event that can stand in a trace is called; another type shows its wire name. */
export const EVENT_NAMES: Readonly<Record<string, LocalText>> = {
  'metrics.GoalSet.v1': text('设定目标', 'goal set'),
  'metrics.MetricRecorded.v1': text('登记实际值', 'metric recorded'),
  'evaluations.EvaluationSubmitted.v1': text('提交评价', 'evaluation submitted'),
  'evaluations.EvaluationAmended.v1': text('修改评价', 'evaluation amended'),
  'evaluations.EvaluationWithdrawn.v1': text('撤回评价', 'evaluation withdrawn'),
  'feedback-calls.FeedbackCallCompleted.v1': text('回访完成', 'feedback call completed'),
  'feedback-calls.FeedbackCallRefused.v1': text('回访被拒', 'feedback call refused'),
  'feedback-calls.FeedbackCallUnreachable.v1': text('回访未接通', 'feedback call unanswered'),
  'work-traces.WorkTraceLogged.v1': text('登记工作痕迹', 'work trace logged'),
  'work-traces.WorkTraceVoided.v1': text('作废工作痕迹', 'work trace voided'),
  'conduct.AdjustmentGranted.v1': text('加减分', 'adjustment granted'),
  'conduct.VetoRecorded.v1': text('一票否决', 'veto recorded'),
  'conduct.ComplaintDecided.v1': text('投诉认定', 'complaint decided'),
  'conduct.AwardGranted.v1': text('奖惩', 'award granted'),
  'conduct.SalesCredited.v1': text('销售计入', 'sale credited'),
  'conduct.SalesReturned.v1': text('销售退回', 'sale returned'),
  'assessment.FactsFrozen.v1': text('冻结事实', 'facts frozen'),
  'assessment.ResultPublished.v1': text('登记结果', 'result recorded'),
  'assessment.ResultCorrected.v1': text('更正结果', 'result corrected'),
  'assessment.CreditsFrozen.v1': text('冻结提成', 'credits frozen'),
  'assessment.StatementAcknowledged.v1': text('确认绩效单', 'statement acknowledged'),
  'assessment.StatementObjected.v1': text('异议绩效单', 'statement objected to'),
  'cycles.CycleOpened.v1': text('开启周期', 'cycle opened'),
  'cycles.CyclePublished.v1': text('公示', 'cycle published'),
  'people.AccountManagerEnrolled.v1': text('入职登记', 'account manager enrolled'),
  'people.AccountManagerTransferred.v1': text('调动', 'account manager transferred'),
  'people.AccountManagerLeft.v1': text('离职', 'account manager left'),
  'people.AbsenceRecorded.v1': text('缺勤', 'absence recorded'),
  'people.CalendarDefined.v1': text('工作日历', 'calendar defined'),
  'people.UnitDefined.v1': text('机构调整', 'unit defined'),
  'schemes.SchemePublished.v1': text('发布方案', 'scheme published'),
  'schemes.SchemeRetired.v1': text('停用方案', 'scheme retired'),
};

export const COLUMN_NAMES = {
  time: text('时间', 'time'),
  event: text('事件', 'event'),
  actor: text('经办人', 'actor'),
  indicator: text('指标', 'indicator'),
  change: text('变化', 'before → after'),
  total: text('得分', 'total'),
  grade: text('考核等次', 'grade'),
  rule: text('规则', 'rule'),
} as const;

/** What a change is about, where it is no indicator and has no column of its own. */
export const CHANGE_NAMES = {
  status: text('状态', 'status'),
  scheme: text('方案', 'scheme'),
  unit: text('单位', 'unit'),
  days: text('出勤天数', 'eligible days'),
  ranking: text('排名依据', 'ranking'),
  result: text('结果', 'result'),
} as const;

/** Words that stand as values. */
export const VALUE_NAMES: Readonly<Record<string, LocalText>> = {
  published: text('已评分', 'published'),
  'not-assessed': text('不参评', 'not assessed'),
  incomplete: text('不完整', 'incomplete'),
  provisional: text('暂定', 'provisional'),
  zero: text('计零', 'zero'),
  carried: text('沿用', 'carried'),
  neutralised: text('中性化', 'neutralised'),
  blocked: text('阻断', 'blocked'),
};

export const CEILING = text('受限', 'ceiling');
