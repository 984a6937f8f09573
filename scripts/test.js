import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, isMain, runProgram } from './setup/program.js';
import { setUp } from './setup.js';
import { countResults, failureLines } from './test-results.js';
import { argumentsOf, budgetLines, chooseParts, FILE_PARTS, findParts } from './test-parts.js';

/**
 * `npm test`: set-up, all checks, all tests part by part with the time of each. The last lines are the total and, since
 * who reads the end of a long log needs no more, what failed with its first line. Arguments
 * choose parts; without any, all run.
 * @param {readonly string[]} words
 * @returns {Promise<number>} exit status
 * @throws SetupError when a word is no part
 */
async function test(words) {
  const chosen = chooseParts(words);
  await setUp(process.env);
  const isWanted = (name) => chosen.includes(name);
  const rows = [];
  if (isWanted('checks')) rows.push(await timed('checks', checks));
  const files = findParts(ROOT);
  for (const name of FILE_PARTS.filter(isWanted)) {
    rows.push(await timed(name, () => runPart(name, files.get(name))));
  }
  const total = (key) => rows.reduce((sum, row) => sum + (row[key] ?? 0), 0);
  const all = { passed: total('passed'), failed: total('failed'), skipped: total('skipped') };
  const budgets = budgetLines(new Map(rows.map(({ name, seconds }) => [name, seconds])));
  process.stdout.write(`\n${[...rows.map(describe), '', ...budgets, '', counts(all)].join('\n')}\n`);
  process.stdout.write(
    rows
      .flatMap((row) => row.failures ?? [])
      .map((line) => `  ${line}\n`)
      .join(''),
  );
  return all.failed === 0 && all.passed > 0 ? 0 : 1;
}

async function checks() {
  const { runChecks } = await import('./check.js');
  return runChecks();
}

async function timed(name, work) {
  process.stdout.write(`\n== ${name}\n`);
  const startedAt = performance.now();
  const result = await work();
  return { name, seconds: (performance.now() - startedAt) / 1000, ...result };
}

function describe({ name, seconds, ...row }) {
  return `${name.padEnd(9)} ${seconds.toFixed(1).padStart(7)} s  ${counts(row)}`;
}

function counts({ passed, failed, skipped = 0 }) {
  return `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
}

/** Runs the files of one part with vitest; a file that cannot be loaded counts as one failure. */
function runPart(name, files) {
  if (files.length === 0) return { passed: 0, failed: 1, failures: [`${name}: there are no test files`] };
  const folder = mkdtempSync(join(tmpdir(), 'temper-test-'));
  const report = join(folder, 'report.json');
  const args = [
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...argumentsOf(name),
    ...files,
  ];
  try {
    const { status } = spawnSync(process.execPath, [join(ROOT, 'node_modules/vitest/vitest.mjs'), ...args], {
      cwd: ROOT,
      stdio: 'inherit',
    });
    const result = readReport(report);
    return { ...countResults(result, status), failures: failureLines(name, result, ROOT) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    // vitest ended before it could write one: its status tells.
    return null;
  }
}

if (isMain(import.meta.url)) await runProgram(() => test(process.argv.slice(2)));
