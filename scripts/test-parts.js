import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listFiles } from './build/hash-files.js';
import { SetupError } from './setup/setup-error.js';

/** The parts in the order they run: quick ones first, so that a broken unit is told before minutes of training. */
const PARTS = ['checks', 'unit', 'isolated', 'server', 'e2e', 'faults', 'schedules', 'ascend'];

/** Parts of test files: all but the checks, which are programs. */
export const FILE_PARTS = PARTS.slice(1);

/** What parts may take together, in minutes on two cores, set-up not counted: half an hour for the finished product. */
export const BUDGETS = [
  { parts: ['checks', 'unit', 'isolated', 'server'], minutes: 6 },
  { parts: ['e2e'], minutes: 10 },
  { parts: ['faults'], minutes: 6 },
  { parts: ['schedules'], minutes: 4 },
  { parts: ['ascend'], minutes: 4 },
];

/**
 * A line for each budget that was spent, and whether more than it was taken. Without all parts of it there is none.
 * @param {ReadonlyMap<string, number>} seconds by part
 * @returns {readonly string[]}
 */
export function budgetLines(seconds) {
  return BUDGETS.filter(({ parts }) => parts.every((name) => seconds.has(name))).map(({ parts, minutes }) => {
    const spent = parts.reduce((sum, name) => sum + (seconds.get(name) ?? 0), 0);
    const note = spent > minutes * 60 ? ', over budget' : '';
    return `${parts.join(' + ')}: ${spent.toFixed(0)} s of ${minutes * 60} s${note}`;
  });
}

/**
 * Names of the parts that words of the command line choose; all of them without any.
 * @param {readonly string[]} words
 * @returns {readonly string[]}
 * @throws SetupError when a word names no part: it would choose nothing, silently
 */
export function chooseParts(words) {
  const unknown = words.find((word) => !PARTS.includes(word));
  if (unknown === undefined) return words.length === 0 ? PARTS : words;
  throw new SetupError({
    what: `there is no part ${JSON.stringify(unknown)} of the tests`,
    why: `the parts are ${PARTS.join(', ')}`,
    fix: 'name parts only; for one file: npx vitest run FILE',
  });
}

/** Importing this starts a server, or needs its worker: such files are a part of their own. */
const SERVER_SUPPORT = /support\/(dev-server|temper-dev|site)\.js|@temporalio\/testing/;

/** Such a file changes modules for all that share its process. */
const MOCKED_MODULE = /\bvi\.(mock|doMock)\(/;

/** Files of these are whole pipelines, which need both cores: one after another. Those of others wait most of the time. */
const ONE_BY_ONE = ['e2e', 'faults', 'schedules', 'ascend'];

/**
 * Arguments of vitest that a part needs besides its files.
 * @param {string} name
 * @returns {readonly string[]}
 */
export function argumentsOf(name) {
  // Files that share processes: importing all anew for each file took a third of the time. Many wait for programs.
  if (name === 'unit') return ['--no-isolate', '--maxWorkers=3'];
  // These wait for their servers most of the time.
  if (name === 'server') return ['--maxWorkers=4'];
  return ONE_BY_ONE.includes(name) ? ['--no-file-parallelism'] : [];
}

/**
 * Test files by part. Folders decide, and the name for schedules; what else starts a server is `server`.
 * @param {string} root
 * @returns {ReadonlyMap<string, readonly string[]>}
 */
export function findParts(root) {
  const files = listFiles(root, 'test').filter((path) => path.endsWith('.test.ts'));
  const partOf = (path) => {
    if (path.startsWith('test/e2e/retrain')) return 'schedules';
    if (path.startsWith('test/e2e/')) return 'e2e';
    // What the simulated trainer suffers is what faults are tested with.
    if (/^test\/(faults|recipes\/simulated)\//.test(path)) return 'faults';
    if (path.startsWith('test/ascend/')) return 'ascend';
    const text = readFileSync(join(root, path), 'utf8');
    if (SERVER_SUPPORT.test(text)) return 'server';
    return MOCKED_MODULE.test(text) ? 'isolated' : 'unit';
  };
  return new Map(FILE_PARTS.map((name) => [name, files.filter((path) => partOf(path) === name)]));
}
