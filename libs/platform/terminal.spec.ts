import { createLogger, describeError } from './logging.js';
import { createProgress } from './progress.js';
import { displayWidth, renderTable } from './table.js';
import { DomainError } from '#kernel';

describe('a table', () => {
  it('aligns columns by what characters take on a terminal', () => {
    const columns = [{ title: '客户经理' }, { title: 'score', align: 'right' as const }];
    const table = renderTable(columns, [
      ['张三', '98.50'],
      ['Zoë', '7.25'],
    ]);
    expect(table.split('\n')).toEqual([
      '客户经理  score',
      '────────  ─────',
      '张三      98.50',
      'Zoë        7.25',
    ]);
  });

  it('counts wide characters twice and combining marks not at all', () => {
    const widths = ['abc', '考核', 'ｱ', 'Ａ', 'e\u0301', '한', '😀', '𠀀'].map(displayWidth);
    expect(widths).toEqual([3, 4, 1, 2, 1, 2, 2, 2]);
  });

  it('does not let recorded text steer the terminal', () => {
    const table = renderTable([{ title: 'a' }], [['x\u001b[2Jy\u202ez\nw']]);
    expect(table.split('\n')[2]).toBe('x [2Jy z w');
  });
});

describe('progress', () => {
  const recorder = (isTTY: boolean) => {
    const written: string[] = [];
    return { isTTY, written, write: (text: string) => written.push(text) };
  };

  it('is one line that is redrawn on a terminal', () => {
    let nowMs = 0;
    const stream = recorder(true);
    const progress = createProgress({ label: 'import', total: 200, stream, nowMs: () => nowMs });
    for (let step = 0; step < 100; step += 1) {
      nowMs += 10;
      progress.advance(1);
    }
    progress.finish();
    progress.finish();
    expect(stream.written).toHaveLength(12); // ten redraws in a second, the last state, the end
    expect(stream.written.at(-2)).toBe(
      '\r\u001b[2K████████████░░░░░░░░░░░░ import 100 / 200 (50 %), 100/s',
    );
    expect(stream.written.at(-1)).toBe('\n');
  });

  it('is a plain line now and then elsewhere', () => {
    let nowMs = 0;
    const stream = recorder(false);
    const progress = createProgress({ label: 'rebuild', total: null, stream, nowMs: () => nowMs });
    for (let second = 0; second < 25; second += 1) {
      nowMs += 1000;
      progress.advance(1_000);
    }
    progress.finish();
    expect(stream.written).toEqual([
      'rebuild 10,000, 1,000/s\n',
      'rebuild 20,000, 1,000/s\n',
      'rebuild 25,000, 1,000/s\n',
    ]);
  });
});

describe('logging', () => {
  const logged = (write: (logger: ReturnType<typeof createLogger>) => void): string => {
    let out = '';
    const destination = { write: (line: string) => (out += line) };
    write(createLogger({ level: 'info', forPeople: false, destination }));
    return out;
  };

  it('hides fields that could name a person or open a door', () => {
    const out = logged((log) =>
      log.info(
        { name: '张三', row: { comment: 'rude', accountManagerId: 'am-1' }, token: 't0p' },
        'x',
      ),
    );
    expect(out).toContain('am-1');
    expect(out).not.toMatch(/张三|rude|t0p/);
  });

  it('leaves out what a database error quotes from rows', () => {
    const error = Object.assign(new Error('invalid input syntax: "张三"'), {
      code: '22P02',
      detail: 'Key (name)=(张三)',
      parameters: ['张三'],
    });
    const out = logged((log) => log.error({ err: error }, 'append failed'));
    expect(out).toContain('SQLSTATE 22P02');
    expect(out).not.toContain('张三');
  });

  it('tells a refusal by its code and details', () => {
    expect(describeError(new DomainError('outside-cohort', { recordId: 'r1' }))).toEqual({
      type: 'DomainError',
      code: 'outside-cohort',
      message: 'outside-cohort (recordId=r1)',
      details: { recordId: 'r1' },
    });
  });

  it('keeps to its level and writes a line for people where one is asked for', () => {
    let out = '';
    const destination = { write: (line: string) => (out += line) };
    const log = createLogger({ level: 'warn', forPeople: true, destination });
    log.info('unheard');
    log.warn({ port: 8080 }, 'heard');
    expect(out).toMatch(/^\d\d:\d\d:\d\d warn {2}heard port=8080\n$/);
  });
});
