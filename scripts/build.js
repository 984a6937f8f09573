import {
  readFileSync,
  readdirSync,
  cpSync,
  mkdirSync,
  renameSync,
  rmSync,
  writeFileSync,
  chmodSync,
  existsSync,
} from 'node:fs';
import { join } from 'node:path';
import { bundleWorkflows } from './build/bundle-workflows.js';
import { hashFiles } from './build/hash-files.js';
import { bundleKeeper } from './bundle-keeper.js';
import { withSetupLock } from './setup/lock.js';
import { ROOT, isMain, runProgram } from './setup/program.js';
import { runStep } from './setup/run-step.js';

/** What the build reads: a change of any of these makes a new one. */
const INPUTS = [
  'src',
  'scripts/build.js',
  'scripts/build',
  'scripts/bundle-keeper.js',
  'tsconfig.json',
  'package-lock.json',
];
const STAMP = '.build.json';

/**
 * Builds `dist`: the compiled program, the workflow bundle, the keeper bundle and the recipes' programs.
 * Works beside the old `dist` and swaps at the end, so a failed build leaves what was there. Skipped when no input
 * changed since.
 * @param {string} root
 * @throws SetupError with the compiler's messages
 */
export async function build(root) {
  const inputs = hashFiles(root, INPUTS);
  const dist = join(root, 'dist');
  if (readStamp(dist) === inputs) return;
  const fresh = join(root, `dist.new-${process.pid}`);
  const retired = join(root, `dist.old-${process.pid}`);
  try {
    await compile(root, fresh);
    await bundleWorkflows(join(root, 'src/workflows/index.ts'), join(fresh, 'workflow-bundle.js'));
    await bundleKeeper(join(fresh, 'keeper.mjs'));
    copyPrograms(join(root, 'src/recipes'), join(fresh, 'recipes'));
    writeFileSync(join(fresh, STAMP), `${JSON.stringify({ v: 1, inputs })}\n`);
    if (existsSync(dist)) renameSync(dist, retired);
    renameSync(fresh, dist);
  } finally {
    for (const folder of [fresh, retired]) rmSync(folder, { recursive: true, force: true });
  }
  if (existsSync(join(root, 'bin/temper.js'))) chmodSync(join(root, 'bin/temper.js'), 0o755);
}

async function compile(root, outDir) {
  await runStep({
    title: 'compiling',
    command: process.execPath,
    args: [
      join(root, 'node_modules/typescript/bin/tsc'),
      '--outDir',
      outDir,
      '--incremental',
      'false',
      '--pretty',
      'false',
    ],
    cwd: root,
    logFile: join(root, '.temper/logs/build.log'),
    fix: 'correct the named lines and build again (npm run build)',
  });
}

/** Folders of programs that a recipe may have (`programsFolder` names its own), and the endings of their files. */
const PROGRAM_FOLDERS = { python: ['.py'], programs: ['.mjs', '.py'] };

/** Recipes are TypeScript with programs beside them; the compiler takes only the former along. */
function copyPrograms(from, to) {
  for (const recipe of readdirSync(from, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
    for (const [folder, endings] of Object.entries(PROGRAM_FOLDERS)) {
      const programs = join(from, recipe.name, folder);
      if (!existsSync(programs)) continue;
      const target = join(to, recipe.name, folder);
      mkdirSync(target, { recursive: true });
      for (const name of readdirSync(programs).filter((one) => endings.some((ending) => one.endsWith(ending)))) {
        cpSync(join(programs, name), join(target, name));
      }
    }
  }
}

function readStamp(dist) {
  try {
    return JSON.parse(readFileSync(join(dist, STAMP), 'utf8')).inputs;
  } catch {
    // No build yet.
    return null;
  }
}

if (isMain(import.meta.url)) {
  await runProgram(async () => {
    await withSetupLock(
      ROOT,
      () => build(ROOT),
      (pid) => process.stderr.write(`waiting for process ${pid}\n`),
    );
    return 0;
  });
}
