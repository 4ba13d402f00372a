import type { ExplanationWords } from './explain-words.js';

const group: ExplanationWords['group'] = {
  self: '自评',
  supervisor: '上级评价',
  peer: '同事互评',
  customer: '客户评价',
};

export const ZH: ExplanationWords = {
  separator: '；',
  source: {
    metric: '实际值',
    'work-trace': '工作痕迹',
    complaints: '投诉',
    'feedback-calls': '电话回访',
    evaluation: '评价',
  },
  group,
  policy: {
    zero: '计零分',
    neutralise: '不计分，权重不计入',
    carry: '沿用往期',
    block: '暂不评定',
  },
  how: {
    scored: '计分',
    zero: '缺数据，计零分',
    carried: '沿用往期',
    neutralised: '缺数据，不计权重',
    blocked: '缺数据，暂不评定',
  },
  ruleOf: (formula) => {
    switch (formula.type) {
      case 'linear':
        return '按达成率计分';
      case 'bands': {
        const bands = formula.bands.map(({ from, score }) => `${from} 起 ${score} 分`).join('，');
        return `按${formula.on === 'attainment' ? '达成率' : '数值'}分档：${bands}`;
      }
      case 'deduct':
        return `每计 1 扣 ${formula.per} 分`;
      case 'inverse':
        return `越低越好：达到目标值得 100 分，达到上限值 ${formula.limit} 得 0 分`;
      case 'binary':
        return `达到门槛值 ${formula.threshold} 得 100 分，否则 0 分`;
    }
  },
  ruleOfCalls: '各次回访得分的平均',
  ruleOfShrunkCalls: '各次回访得分的平均，按样本量向先验值收缩',
  ruleOfRaters: '各组评价平均分按权重合成',
  ifMissing: (policy) => `缺数据时：${policy}`,
  actual: {
    metric: (figure) => `实际值 ${figure}`,
    'work-trace': (figure) => `有效工作痕迹 ${figure} 条`,
    complaints: (figure) => `属实投诉 ${figure} 件`,
    'feedback-calls': (figure) => `电话回访 ${figure} 次`,
    evaluation: (figure) => `评价 ${figure} 份`,
  },
  target: (from, shown, isProrated) => {
    const name = { goal: '目标值', default: '默认目标值', formula: '公式目标值' }[from];
    return `${name} ${shown}${isProrated ? '（按应考核天数折算）' : ''}`;
  },
  attainment: (equation) => `达成率 ${equation}`,
  bounds: (floor, cap) => `保底 ${floor}，封顶 ${cap}`,
  band: ({ from, score, isBelowAll }) =>
    isBelowAll ? `低于首档 ${from}，按首档计 ${score} 分` : `落在 ${from} 起的一档，计 ${score} 分`,
  atLeastZero: '最低 0 分',
  threshold: ({ threshold, isReached }) =>
    isReached ? `达到门槛值 ${threshold}，计 100 分` : `未达到门槛值 ${threshold}，计 0 分`,
  calls: (count, sum) => `有效回访 ${count} 次，得分合计 ${sum}`,
  mean: (equation) => `平均 ${equation}`,
  shrinkage: (prior, strength, equation) => `按先验值 ${prior}、强度 ${strength} 收缩：${equation}`,
  raters: (name, { raterCount, weight }, mean) =>
    `${name} ${raterCount} 份，平均 ${mean}，权重 ${weight}`,
  shared: '缺分评价组的权重按比例归入其余各组（自评除外）',
  combined: (equation) => `合成 ${equation}`,
  lacking: (missing, name) => {
    switch (missing.kind) {
      case 'no-metric':
        return '未登记实际值';
      case 'no-target':
        return '没有可用的目标值';
      case 'too-few-calls':
        return `有效回访 ${missing.count} 次，至少需 ${missing.needed} 次`;
      case 'no-rater':
        return missing.needed > 1
          ? `${name} ${missing.count} 份，至少需 ${missing.needed} 份`
          : `缺${name}`;
    }
  },
  scored: (score) => `得分 ${score}`,
  counts: {
    zero: '缺数据，计 0 分',
    neutralised: '缺数据，不计分，权重不计入',
    blocked: '缺数据，暂不评定',
  },
  carried: (period, resultVersion, score) =>
    `缺数据，沿用往期 ${period}（结果第 ${resultVersion} 版）得分 ${score}`,
  nothingCarried: '缺数据，没有可沿用的往期得分，不计分，权重不计入',
  weighted: (equation) => `加权平均 ${equation}`,
  points: (points) => `加减分 ${points}`,
  heldPoints: (recorded, from, to, points) =>
    `加减分合计 ${recorded}，限于 ${from} 至 ${to}，计 ${points}`,
  appealPoints: (points) => `申诉加减分 ${points}`,
  sum: (equation) => `合计 ${equation}`,
  between: (low, high) => `限于 ${low} 至 ${high}`,
  total: (score) => `总分 ${score}`,
  status: { 'not-assessed': '不参评', incomplete: '数据不全，暂不评定' },
  tooFewDays: (days, needed) => `应考核 ${days} 天，少于 ${needed} 天`,
  tooLittleWeight: (weight, needed) => `计入权重 ${weight}，低于最低计入权重 ${needed}`,
};
