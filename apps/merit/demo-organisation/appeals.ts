import { addDays } from '#kernel';
import { depositGoal, type Emit, recordId } from './facts.js';
import { dayAfter, instantAt, type Month } from './months.js';
import type { Person } from './people.js';
import { hundredths, randomOf } from './random.js';

/** What becomes of an appeal, in turn. */
const COURSES = [
  'raised-before-payout',
  'raised-after-payout',
  'dismissed',
  'struck-before-payout',
  'metric-after-payout',
  'inadmissible',
  'points-before-payout',
  'withdrawn',
  'undecided',
] as const;
const USUAL_APPEALS_A_MONTH = 4;

/** One in `every` people appeals against a published result, each month somebody else. */
export function emitAppeal(
  person: Person,
  month: Month,
  { seed, every, emit }: { readonly seed: number; readonly every: number; readonly emit: Emit },
): void {
  if (month.state === 'open' || (person.index * 7 + month.index * 5) % every !== 3) return;
  const random = randomOf(seed, 'appeal', person.index, month.index);
  const turn = Math.floor(person.index / every) + month.index * USUAL_APPEALS_A_MONTH;
  const course = COURSES[turn % COURSES.length] ?? 'dismissed';
  const filedOn = dayAfter(month.period, 1, random.between(9, 10));
  const supervisorScore = recordId('E', month, person, 1);
  const deposits = recordId('M', month, person, 1);
  const isLate = course.endsWith('after-payout');
  const decidedOn = isLate
    ? dayAfter(month.period, 2, random.between(8, 12))
    : addDays(filedOn, random.between(1, month.state === 'sealed' ? 7 : 3));
  const isDecided = course !== 'undecided' && !(isLate && month.state !== 'sealed');
  const corrected = hundredths(depositGoal(seed, person, month) * 108);
  const corrections = correctionsOf(course, supervisorScore, deposits, corrected);
  emit('appeals.csv', {
    appealId: recordId('P', month, person, 1),
    accountManagerId: person.accountManagerId,
    period: month.period,
    filedAt: instantAt(filedOn, random.between(540, 1_020)),
    grounds: random.one(['上级评分与实际不符', '数据口径有误，请复核', '扣分理由不成立']),
    disputedRecordIds: course === 'metric-after-payout' ? deposits : supervisorScore,
    reviewerId: `REVIEW-${random.between(1, 3)}`,
    decidedAt: isDecided ? instantAt(decidedOn, random.between(540, 1_020)) : '',
    outcome: isDecided ? outcomeOf(course) : '',
    corrections: isDecided && corrections.length > 0 ? JSON.stringify(corrections) : '',
  });
}

function outcomeOf(course: (typeof COURSES)[number]): string {
  if (course === 'dismissed' || course === 'inadmissible' || course === 'withdrawn') return course;
  return course === 'points-before-payout' ? 'partially-upheld' : 'upheld';
}

function correctionsOf(
  course: (typeof COURSES)[number],
  supervisorScore: string,
  deposits: string,
  correctedDeposits: string,
): readonly object[] {
  switch (course) {
    case 'raised-before-payout':
      return [{ type: 'replace', recordId: supervisorScore, value: '98.50' }];
    case 'raised-after-payout':
      // Enough to hold the next grade under its ceiling, so that the next batch carries what was
      // not paid.
      return [
        { type: 'replace', recordId: supervisorScore, value: '98.50' },
        { type: 'adjust', points: '12' },
      ];
    case 'points-before-payout':
      return [{ type: 'adjust', points: '1.5' }];
    case 'metric-after-payout':
      return [
        { type: 'replace', recordId: deposits, value: correctedDeposits },
        { type: 'adjust', points: '10' },
      ];
    case 'struck-before-payout':
      return [
        { type: 'strike', recordId: supervisorScore },
        { type: 'adjust', points: '1' },
      ];
    default:
      return [];
  }
}
