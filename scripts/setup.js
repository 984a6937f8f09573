import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ensureVenv } from './setup/venv.js';
import { installNpmPackages } from './setup/npm-packages.js';
import { linkCommand } from './setup/link-command.js';
import { withSetupLock } from './setup/lock.js';
import { checkNodeVersion } from './setup/node-version.js';
import { ROOT, isMain, runProgram } from './setup/program.js';

/**
 * Makes everything that Temper needs: npm packages, Python environment, build, the command `npx temper`. Does only
 * what is missing; afterwards nothing downloads. Answers the folder of this checkout's state.
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string>}
 * @throws SetupError
 */
export async function setUp(env) {
  checkNodeVersion(process.versions.node);
  const home = resolve(env.TEMPER_HOME ?? join(ROOT, '.temper'));
  const logDir = join(home, 'logs');
  mkdirSync(logDir, { recursive: true });
  const startedAt = performance.now();
  const work = async () => {
    await installNpmPackages(ROOT, logDir);
    await ensureVenv({
      venv: join(home, 'venv'),
      requirements: join(ROOT, 'requirements', 'cpu-tiny.txt'),
      env,
      cwd: ROOT,
      logDir,
    });
    // Loaded only now: it needs the npm packages.
    const { build } = await import('./build.js');
    await build(ROOT);
    linkCommand(ROOT);
  };
  await withSetupLock(ROOT, work, (pid) => say(`waiting for the set-up of process ${pid} to end`));
  say(`ready after ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  return home;
}

function say(text) {
  process.stderr.write(`set-up: ${text}\n`);
}

if (isMain(import.meta.url)) {
  await runProgram(async () => {
    await setUp(process.env);
    return 0;
  });
}
