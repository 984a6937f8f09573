import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT, isMain, runProgram } from './setup/program.js';

/** Programs that judge the code, by the name that people read. Each must exit with 0. */
const PROGRAMS = {
  types: ['typescript/bin/tsc', '--project', 'scripts/checks/tsconfig.tests.json', '--pretty', 'false'],
  lint: [
    'oxlint/bin/oxlint',
    '--config',
    '.oxlintrc.json',
    '--deny-warnings',
    'src',
    'test',
    'scripts',
    'bin',
    'bench',
  ],
  format: ['oxfmt/bin/oxfmt', '--check', '.'],
  unused: ['knip/bin/knip.js', '--no-progress'],
};

/**
 * Runs all checks, tells each result, and counts.
 * @returns {Promise<{ passed: number, failed: number }>}
 */
export async function runChecks() {
  const { ARCHITECTURE_CHECKS } = await import('./checks/architecture.js');
  const results = [
    ...Object.entries(PROGRAMS).map(([name, args]) => told(name, () => runProgramCheck(args))),
    ...Object.entries(ARCHITECTURE_CHECKS).map(([name, check]) => told(name, () => runOwnCheck(check))),
  ];
  const failed = results.filter((isGood) => !isGood).length;
  return { passed: results.length - failed, failed };
}

function told(name, check) {
  const startedAt = performance.now();
  const complaint = check();
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  process.stdout.write(`${complaint === null ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)\n${complaint ?? ''}`);
  return complaint === null;
}

/** Output of a failed program, or null. */
function runProgramCheck([script, ...args]) {
  const file = join(ROOT, 'node_modules', script);
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [file, ...args], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (status === 0) return null;
  return `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}\n`;
}

/** Findings of one of our own checks as lines, or null. A check that throws could not do its work: that fails too. */
function runOwnCheck(check) {
  try {
    const { looked, findings } = check(ROOT);
    if (findings.length === 0 && looked > 0) return null;
    return (
      findings.map(({ file, line, message }) => `  ${file}:${line} ${message}\n`).join('') || '  it looked at nothing\n'
    );
  } catch (error) {
    return `  ${error.message}\n`;
  }
}

if (isMain(import.meta.url)) {
  await runProgram(async () => {
    const { failed } = await runChecks();
    return failed === 0 ? 0 : 1;
  });
}
