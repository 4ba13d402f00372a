import { parseStrictJson } from './strict-json.js';

const problemOf = (text: string, maxDepth?: number): string | null => {
  const read = parseStrictJson(text, maxDepth === undefined ? {} : { maxDepth });
  return 'problem' in read ? read.problem : null;
};

describe('strict JSON', () => {
  it('is what it says', () => {
    const text = '{"a": [1, -2.5, "x\\u0041", null, true], "b": {"a": 1e3}}';
    expect(parseStrictJson(text, { maxDepth: 3 })).toEqual({ value: JSON.parse(text) });
  });

  it('is refused with a key twice in one object, however it is written', () => {
    expect(problemOf('{"a": {"b": 1}, "\\u0061": 2}')).toContain('names "a" twice');
    expect(problemOf('[{"a": 1}, {"a": 2}]')).toBeNull();
    expect(problemOf('{"a": "a:a", "b": "\\"a\\": "}')).toBeNull();
  });

  it('is refused when it is none', () => {
    expect(problemOf('{"a": }')).toContain('is not JSON');
    expect(problemOf('')).toContain('is not JSON');
  });

  it('of strangers is refused below its depth, and as deep as the text is long', () => {
    expect(problemOf('[[1]]', 2)).toBeNull();
    expect(problemOf('[[[1]]]', 2)).toContain('deeper than 2');
    expect(problemOf('['.repeat(100_000) + ']'.repeat(100_000), 32)).toContain('deeper than 32');
  });

  it.each(['__proto__', 'constructor', 'prototype', '\\u005f_proto__'])(
    'of strangers has no key %s',
    (key) => {
      expect(problemOf(`{"a": {"${key}": {"x": 1}}}`, 32)).toContain('which is no field');
    },
  );

  it.each(['1e400', '-1e400', '9007199254740993', '0.12345678901234567', '1e-400', '1e21'])(
    'of strangers has no number %s',
    (number) => {
      expect(problemOf(`{"a": ${number}}`, 32)).toContain('write it as a string');
    },
  );

  it.each(['0', '-0', '9007199254740991', '0.1', '92.5', '1e3', '0.000', '100000.00'])(
    'of strangers may have the number %s',
    (number) => expect(problemOf(`{"a": ${number}}`, 32)).toBeNull(),
  );

  it('of strangers has no NUL and no half of a character', () => {
    expect(problemOf('{"a": "x\\u0000"}', 32)).toContain('U+0000');
    expect(problemOf('{"a": "\\ud800"}', 32)).toContain('half of a character');
    expect(problemOf('{"\\udc00": 1}', 32)).toContain('half of a character');
    expect(problemOf('{"a": "\\ud83d\\ude00 \\\\u0000"}', 32)).toBeNull();
  });
});
