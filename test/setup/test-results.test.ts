import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BUDGETS, budgetLines, chooseParts, FILE_PARTS, findParts } from '../../scripts/test-parts.js';
import { countResults, failureLines } from '../../scripts/test-results.js';

const file = (status: string, assertionResults: readonly object[], message = ''): object => ({
  ...{ name: '/root/test/a.test.ts', status, assertionResults, message },
});
const good = {
  numPassedTests: 3,
  numFailedTests: 0,
  numPendingTests: 2,
  numTodoTests: 1,
  testResults: [file('passed', [])],
};

describe('the parts', () => {
  it('are all without words, and those that are named', () => {
    expect(chooseParts([])).toEqual(expect.arrayContaining(['checks', 'unit', 'ascend']));
    expect(chooseParts(['unit', 'e2e'])).toEqual(['unit', 'e2e']);
  });

  it('are refused when one of the words is none', () => {
    expect(() => chooseParts(['unit', 'typo'])).toThrow(/no part "typo"[^]*checks, unit, isolated/);
  });
});

describe('the budgets', () => {
  it('are half an hour together, and each part has one', () => {
    expect(BUDGETS.reduce((sum, { minutes }) => sum + minutes, 0)).toBe(30);
    expect(BUDGETS.flatMap(({ parts }) => parts).toSorted()).toEqual([...chooseParts([])].toSorted());
  });

  it('tell what was spent of them, once all their parts ran', () => {
    const seconds = new Map([
      ['checks', 11.6],
      ['isolated', 80],
      ['unit', 120],
      ['server', 149],
      ['e2e', 200],
    ]);
    const lines = ['checks + unit + isolated + server: 361 s of 360 s, over budget', 'e2e: 200 s of 600 s'];
    expect(budgetLines(seconds)).toEqual(lines);
    seconds.delete('unit');
    expect(budgetLines(seconds)).toEqual(lines.slice(1));
  });

  it('are for all test files: each is in one part', () => {
    const parts = [...findParts(resolve(import.meta.dirname, '../..'))];
    expect(parts.map(([name]) => name)).toEqual(FILE_PARTS);
    const files = parts.flatMap(([, found]) => found);
    expect(new Set(files).size).toBe(files.length);
    for (const [name, found] of parts) expect(found.length, name).toBeGreaterThan(0);
  });
});

describe('the results', () => {
  it.each([
    ['passed and skipped', good, 0, { passed: 3, failed: 0, skipped: 3 }],
    ['an error outside of tests', good, 1, { passed: 3, failed: 1, skipped: 3 }],
    ['no report', null, 0, { passed: 0, failed: 1, skipped: 0 }],
    ['a report without tests', { testResults: [] }, 0, { passed: 0, failed: 1, skipped: 0 }],
    ['a broken file', { ...good, testResults: [file('failed', [])] }, 1, { passed: 3, failed: 1, skipped: 3 }],
  ])('count %s', (_name, result, status, counts) => {
    expect(countResults(result, status)).toEqual(counts);
  });

  it('name each failure with its first line', () => {
    const one = { status: 'failed', fullName: 'a adds', failureMessages: ['1 is not 2\nstack'] };
    const lines = (result: object | null): readonly string[] => failureLines('unit', result, '/root');
    expect(lines({ testResults: [file('failed', [one])] })).toEqual(['test/a.test.ts: a adds: 1 is not 2']);
    expect(lines({ testResults: [file('failed', [], 'no module\nstack')] })).toEqual(['test/a.test.ts: no module']);
    expect(lines(null)).toEqual(['unit: vitest ended without a report']);
    expect(lines({ testResults: [] })).toEqual(['unit: vitest ran no test']);
  });
});
