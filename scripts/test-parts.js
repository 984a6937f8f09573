import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listFiles } from './build/hash-files.js';

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
