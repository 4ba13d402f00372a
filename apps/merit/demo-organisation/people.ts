import { dayAfter, type Month } from './months.js';
import { randomOf } from './random.js';

const SURNAMES = [
  ...'钟苏卢蒋蔡余杜叶程魏田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段',
];
const GIVEN = [...'书航若溪景行思远明哲雨桐一诺清和知夏嘉禾望舒云帆星河沐阳子衿念安修远听澜怀瑾'];

const SENIOR = 'senior-relationship-manager';
export const POSITIONS = ['relationship-manager', SENIOR] as const;
const OTHER_POSITION = 'credit-analyst'; // under no scheme: in no cohort

export type Unit = {
  readonly unitId: string;
  readonly parentUnitId: string;
  readonly name: string;
};

export type Person = {
  readonly index: number;
  readonly accountManagerId: string;
  readonly name: string;
  readonly branch: number; // index of the unit
  readonly unitId: string;
  readonly position: string;
  readonly supervisorId: string;
  readonly joinedOn: string;
  readonly leftOn: string;
  readonly skill: number; // 0–100
};

export const branchId = (branch: number): string => `B${String(branch + 1).padStart(2, '0')}`;
export const branchCount = (people: number): number => Math.max(3, Math.round(people / 8));
/** The branch that tries the pilot scheme. */
export const PILOT_BRANCH = 1;

export function unitsOf(people: number): readonly Unit[] {
  const branches = branchCount(people);
  const branchesPerRegion = people > 200 ? 10 : 2;
  const regions = Math.ceil(branches / branchesPerRegion);
  const regionId = (region: number): string => `R${String(region + 1).padStart(2, '0')}`;
  return [
    { unitId: 'YX', parentUnitId: '', name: '云岫银行公司业务部' },
    ...Array.from({ length: regions }, (_, region) => ({
      unitId: regionId(region),
      parentUnitId: 'YX',
      name: `第${region + 1}分行`,
    })),
    ...Array.from({ length: branches }, (_, branch) => ({
      unitId: branchId(branch),
      parentUnitId: regionId(Math.floor(branch / branchesPerRegion)),
      name: `第${branch + 1}支行`,
    })),
  ];
}

export function personOf(
  seed: number,
  index: number,
  people: number,
  months: readonly Month[],
): Person {
  const random = randomOf(seed, 'person', index);
  const branch = index % branchCount(people);
  const unitId = branchId(branch);
  return {
    index,
    accountManagerId: `RM${String(index + 1).padStart(5, '0')}`,
    name: [
      random.one(SURNAMES),
      random.one(GIVEN),
      random.chance(80) ? random.one(GIVEN) : '',
    ].join(''),
    branch,
    unitId,
    position: index % 45 === 44 ? OTHER_POSITION : random.chance(25) ? SENIOR : POSITIONS[0],
    supervisorId: `HEAD-${unitId}`,
    joinedOn:
      joiningDay(index, months) ?? `20${random.between(15, 24)}-0${random.between(1, 9)}-01`,
    leftOn: leavingDay(index, months),
    skill: Math.floor((random.below(101) + random.below(101) + 60) / 2.6),
  };
}

/** A few join in the middle of a period. */
function joiningDay(index: number, months: readonly Month[]): string | null {
  if (index % 19 !== 7) return null;
  const month = months[1 + (index % 3)];
  return month ? `${month.period}-10` : null;
}

/** A few leave; some at a period's end, some within it. */
function leavingDay(index: number, months: readonly Month[]): string {
  if (index % 21 !== 11) return '';
  const month = months[1 + (index % 2)];
  if (!month) return '';
  return index % 2 === 0 ? month.lastDay : `${month.period}-20`;
}

export function isInCohort(person: Person, { firstDay, lastDay }: Month): boolean {
  return (
    person.position !== OTHER_POSITION &&
    person.joinedOn <= lastDay &&
    (person.leftOn === '' || person.leftOn >= firstDay)
  );
}

export function isEmployedOn({ joinedOn, leftOn }: Person, day: string): boolean {
  return joinedOn <= day && (leftOn === '' || leftOn >= day);
}

export type Absence = { readonly from: string; readonly to: string; readonly kind: string };

/** Days off of one person; one in thirty is away for long, and not assessed in a period. */
export function absencesOf(seed: number, person: Person, months: readonly Month[]): Absence[] {
  return months.flatMap((month) => {
    const random = randomOf(seed, 'absence', person.index, month.index);
    if (person.index % 29 === 17) {
      if (month.index !== 2) return [];
      return [{ from: `${month.period}-02`, to: dayAfter(month.period, 1, 20), kind: '产假' }];
    }
    if (!random.chance(12)) return [];
    const day = random.between(3, 20);
    const from = `${month.period}-${String(day).padStart(2, '0')}`;
    const to = `${month.period}-${String(day + random.between(0, 4)).padStart(2, '0')}`;
    return [{ from, to, kind: random.one(['年假', '病假', '事假']) }];
  });
}
