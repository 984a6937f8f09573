import { expect, it } from 'vitest';
import { Tally } from '../../../src/domain/data/tally.js';

it('Tally sorts errors before warnings and keeps five examples', () => {
  const tally = new Tally();
  for (let row = 0; row < 9; row += 1) tally.add(row, { rule: 'data/sequence-exceeded', where: 'row', what: 'long' });
  tally.add(null, { rule: 'data/empty', where: 'file', what: '0 rows' });
  const problems = tally.problems();
  expect(problems.map(({ id, severity, count }) => [id, severity, count])).toEqual([
    ['data/empty', 'error', 1],
    ['data/sequence-exceeded', 'warning', 9],
  ]);
  expect(problems[1]?.examples.map(({ row }) => row)).toEqual([0, 1, 2, 3, 4]);
});
