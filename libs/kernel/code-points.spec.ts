import { compareCodePoints } from './code-points.js';

it('orders texts by code point, not by UTF-16 unit', () => {
  const sorted = ['', 'A', 'AB', 'B', 'a', '\u6700', '\uFF21', '\u{1F600}', '\u{1F601}'];
  expect(sorted.toReversed().sort(compareCodePoints)).toEqual(sorted);
  expect(['\u{1F600}', '\uFF21'].sort()).toEqual(['\u{1F600}', '\uFF21']);
  expect(compareCodePoints('A', 'A')).toBe(0);
});
