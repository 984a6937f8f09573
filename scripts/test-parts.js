import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listFiles } from './build/hash-files.js';
import { SetupError } from './setup/setup-error.js';

/**
 * The parts of the suite in the order they run: quick ones first, so that a broken unit is told before minutes of
 * training. Budgets in minutes on two cores, for the finished product.
 */
export const PARTS = [
  { name: 'unit', budgetMinutes: 6 },
  { name: 'server', budgetMinutes: 4 },
  { name: 'e2e', budgetMinutes: 10 },
  { name: 'faults', budgetMinutes: 6 },
  { name: 'schedules', budgetMinutes: 4 },
  { name: 'ascend', budgetMinutes: 4 },
];

/**
 * Names of the parts that words of the command line choose; all of them without any.
 * @param {readonly string[]} words
 * @returns {readonly string[]}
 * @throws SetupError when a word names no part: it would choose nothing, silently
 */
export function chooseParts(words) {
  const known = ['checks', ...PARTS.map(({ name }) => name)];
  const unknown = words.find((word) => !known.includes(word));
  if (unknown === undefined) return words.length === 0 ? known : words;
  throw new SetupError({
    what: `there is no part ${JSON.stringify(unknown)} of the tests`,
    why: `the parts are ${known.join(', ')}`,
    fix: 'name parts only; for one file: npx vitest run FILE',
  });
}

/** Importing this starts a server: such files run one after another, two cores cannot carry more. */
const SERVER_SUPPORT = /support\/(dev-server|temper-dev|site)\.js|@temporalio\/testing/;

/**
 * Test files by part. The folder decides for e2e, faults and ascend, and the name for schedules; what else starts a server is `server`.
 * @param {string} root
 * @returns {ReadonlyMap<string, readonly string[]>}
 */
export function findParts(root) {
  const files = listFiles(root, 'test').filter((path) => path.endsWith('.test.ts'));
  const partOf = (path) => {
    if (path.startsWith('test/e2e/retrain')) return 'schedules';
    if (path.startsWith('test/e2e/')) return 'e2e';
    if (path.startsWith('test/faults/')) return 'faults';
    if (path.startsWith('test/ascend/')) return 'ascend';
    return SERVER_SUPPORT.test(readFileSync(join(root, path), 'utf8')) ? 'server' : 'unit';
  };
  return new Map(PARTS.map(({ name }) => [name, files.filter((path) => partOf(path) === name)]));
}
