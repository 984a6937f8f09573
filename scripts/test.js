import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { ROOT, isMain, runProgram } from './setup/program.js';
import { setUp } from './setup.js';
import { findParts, PARTS } from './test-parts.js';

/**
 * `npm test`: set-up, all checks, all tests part by part with the time of each. The last lines are the total and, since
 * who reads the end of a long log needs no more, what failed with its first line. Arguments
 * choose parts (`checks` and the names of PARTS); without any, all run.
 * @param {readonly string[]} chosen
 * @returns {Promise<number>} exit status
 */
async function test(chosen) {
  await setUp(process.env);
  const isWanted = (name) => chosen.length === 0 || chosen.includes(name);
  const rows = [];
  if (isWanted('checks')) rows.push(await timed('checks', checks));
  const files = findParts(ROOT);
  for (const { name } of PARTS.filter((part) => isWanted(part.name))) {
    rows.push(await timed(name, () => runPart(name, files.get(name))));
  }
  const total = (key) => rows.reduce((sum, row) => sum + row[key], 0);
  process.stdout.write(`\n${rows.map(describe).join('')}\n${total('passed')} passed, ${total('failed')} failed\n`);
  process.stdout.write(
    rows
      .flatMap((row) => row.failures ?? [])
      .map((line) => `  ${line}\n`)
      .join(''),
  );
  return total('failed') === 0 && total('passed') > 0 ? 0 : 1;
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

function describe({ name, seconds, passed, failed }) {
  const budget = PARTS.find((part) => part.name === name)?.budgetMinutes;
  const note = budget !== undefined && seconds > budget * 60 ? `  over its budget of ${budget} min` : '';
  return `${name.padEnd(8)} ${seconds.toFixed(1).padStart(7)} s  ${passed} passed, ${failed} failed${note}\n`;
}

/** Runs the files of one part with vitest; a file that cannot be loaded counts as one failure. */
function runPart(name, files) {
  if (files.length === 0) return { passed: 0, failed: 0 };
  const folder = mkdtempSync(join(tmpdir(), 'temper-test-'));
  const report = join(folder, 'report.json');
  const order = name === 'unit' ? [] : ['--no-file-parallelism'];
  const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...order, ...files];
  try {
    const { status } = spawnSync(process.execPath, [join(ROOT, 'node_modules/vitest/vitest.mjs'), ...args], {
      cwd: ROOT,
      stdio: 'inherit',
    });
    return countResults(report, status);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function countResults(report, status) {
  const result = readReport(report);
  const passed = result?.numPassedTests ?? 0;
  const broken = (result?.testResults ?? []).filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  );
  const failed = (result?.numFailedTests ?? 0) + broken.length;
  // vitest also fails for errors outside of any test, such as a rejection that nobody awaited.
  return { passed, failed: failed === 0 && status !== 0 ? 1 : failed, failures: describeFailures(result) };
}

/** One line for each failed test: its file, its name and the first line of its error. */
function describeFailures(result) {
  return (result?.testResults ?? []).flatMap((file) => {
    const place = relative(ROOT, file.name);
    const failed = file.assertionResults.filter(({ status }) => status === 'failed');
    if (file.status === 'failed' && failed.length === 0) return [`${place}: ${firstLine(file.message)}`];
    return failed.map((one) => `${place}: ${one.fullName}: ${firstLine(one.failureMessages[0])}`);
  });
}

function firstLine(text) {
  return (text ?? '').split('\n', 1)[0];
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
