import { expect, it } from 'vitest';
import { someNames } from '../../../src/domain/text/some-names.js';

it.each([
  [[], ''],
  [['a', 'b'], 'a, b'],
  [['a', 'b', 'c'], 'a, b and 1 more'],
])('of %j at most two are named', (names, told) => {
  expect(someNames(names, 2)).toBe(told);
});
