import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { findPython } from './python.js';
import { missingPins, readPins } from './requirements.js';
import { runStep } from './run-step.js';
import { chooseTorch } from './torch.js';

const STAMP = 'temper-stamp.json';
const FIX_NETWORK = 'check the network and the index (pip config list; PIP_INDEX_URL), then run the same command again';
/** First pip with `install --dry-run --report`. */
const PIP_MINIMUM = [22, 2];

/**
 * Makes, completes or repairs the Python environment. Needs well under a second when nothing is to be done.
 * @param {object} options
 * @param {string} options.venv folder of the environment
 * @param {string} options.requirements pinned requirements file
 * @param {NodeJS.ProcessEnv} options.env for TEMPER_SETUP_PYTHON, TEMPER_TORCH_INDEX and TEMPER_TORCH_SPEC
 * @param {string} options.cwd
 * @param {string} options.logDir
 * @throws SetupError
 */
export async function ensureVenv({ venv, requirements, env, cwd, logDir }) {
  const text = readFileSync(requirements, 'utf8');
  const wanted = createHash('sha256').update(text).digest('hex');
  const python = join(venv, 'bin', 'python');
  const logFile = join(logDir, 'setup-python.log');
  if (readStamp(venv) === wanted && isHealthy(python)) return;

  // Without a stamp the environment is half made, or made by hand: what it lacks tells which.
  if (missingPins(python, []) === null) await makeVenv({ venv, env, cwd, logFile });
  const pins = readPins(text, pythonVersion(python));
  let missing = missingPins(python, pins) ?? pins;
  if (missing.length > 0 && !hasPip(python)) {
    await makeVenv({ venv, env, cwd, logFile });
    missing = pins;
  }
  if (missing.length > 0) {
    // Cut off in the middle, the environment must not pass for the one that an older stamp names.
    rmSync(join(venv, STAMP), { force: true });
    await installPins({ python, pins, missing, env, cwd, logFile });
  }
  writeStamp(venv, wanted);
}

async function makeVenv({ venv, env, cwd, logFile }) {
  const base = findPython({ chosen: env.TEMPER_SETUP_PYTHON });
  rmSync(venv, { recursive: true, force: true });
  await runStep({
    title: `Python ${base.version} environment`,
    command: base.path,
    args: ['-m', 'venv', venv],
    cwd,
    logFile,
    fix: `make sure that ${base.path} -m venv works, or set TEMPER_SETUP_PYTHON to another interpreter`,
  });
}

async function installPins({ python, pins, missing, env, cwd, logFile }) {
  const pip = ['-m', 'pip', 'install', '--no-input', '--progress-bar', 'off'];
  const install = (title, args) =>
    runStep({ title, command: python, args: [...pip, ...args], cwd, logFile, fix: FIX_NETWORK });
  if (isPipTooOld(python)) await install('newer pip', ['--upgrade', `pip>=${PIP_MINIMUM.join('.')}`]);
  const torch = missing.find((pin) => pin.name === 'torch');
  if (torch !== undefined) {
    const spec = `torch==${torch.version}`;
    await install('torch', await chooseTorch({ python, spec, env, cwd, logFile }));
  }
  // Not the file: a torch of another version, which the person chose, would be replaced by a build with CUDA.
  const others = pins.filter((pin) => pin.name !== 'torch').map(({ name, version }) => `${name}==${version}`);
  if (others.length > 0) await install('Python packages', others);
}

function pythonVersion(python) {
  const code = 'import sys; print(f"{sys.version_info[0]}.{sys.version_info[1]}")';
  return spawnSync(python, ['-c', code], { encoding: 'utf8' }).stdout.trim();
}

function hasPip(python) {
  return spawnSync(python, ['-m', 'pip', '--version']).status === 0;
}

function isPipTooOld(python) {
  const { stdout } = spawnSync(python, ['-m', 'pip', '--version'], { encoding: 'utf8' });
  const [major = 0, minor = 0] = (/^pip (\d+)\.(\d+)/.exec(stdout) ?? []).slice(1).map(Number);
  return major < PIP_MINIMUM[0] || (major === PIP_MINIMUM[0] && minor < PIP_MINIMUM[1]);
}

/** The stamp says that all was installed; the interpreter may have lost its base, or the programs, since. */
function isHealthy(python) {
  return existsSync(join(python, '..', 'temporal')) && missingPins(python, []) !== null;
}

function readStamp(venv) {
  try {
    return JSON.parse(readFileSync(join(venv, STAMP), 'utf8')).requirements;
  } catch {
    // None yet, or cut off: the environment is looked through again, which costs a second.
    return null;
  }
}

function writeStamp(venv, requirements) {
  const file = join(venv, STAMP);
  writeFileSync(`${file}.new`, `${JSON.stringify({ v: 1, requirements })}\n`);
  renameSync(`${file}.new`, file);
}
