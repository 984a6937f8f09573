// Prints one JSON line about the software of this host: files of the toolkit, checkouts, the Python environment.
// Changes nothing and asks nothing remote. Its one argument is a JSON request; src/recipes/mindspeed-mm/environment/probe.ts
// makes it and reads the answer.
import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';

const run = promisify(execFile);
/** A hung disk or a Python that waits must not keep the stage for hours. */
const TIMEOUT_MS = 120_000;
/** Version files have a few lines; more is not one. */
const MAX_VERSION_BYTES = 4_096;

const request = JSON.parse(process.argv[2] ?? '{}');

/** Output of a program without its last line break, or null when it failed. */
async function output(argv, cwd = '/') {
  try {
    const env = { ...process.env, LC_ALL: 'C', PYTHONDONTWRITEBYTECODE: '1', GIT_OPTIONAL_LOCKS: '0' };
    const { stdout } = await run(argv[0], argv.slice(1), { cwd, env, timeout: TIMEOUT_MS, maxBuffer: 64e6 });
    return stdout.trimEnd();
  } catch {
    return null;
  }
}

function git(folder, ...args) {
  // Shared checkouts may belong to another user; looking at them is harmless.
  return output(['git', '-c', 'safe.directory=*', '-C', folder, ...args]);
}

function versionFiles() {
  return request.versionFiles.flatMap(({ part, path }) => {
    try {
      if (statSync(path).isDirectory()) return [{ part, path, text: null }];
      return [{ part, path, text: readFileSync(path, 'utf8').slice(0, MAX_VERSION_BYTES) }];
    } catch {
      return [];
    }
  });
}

async function checkout({ folder, ref }) {
  if (!existsSync(folder)) return { exists: false, real: null, head: null, wanted: null, isChanged: false };
  // Python and pip tell places without the links on the way to them.
  const real = realpathSync(folder);
  const top = await git(folder, 'rev-parse', '--show-toplevel');
  // A folder without repository inside a checkout answers for the checkout around it.
  if (top === null || realpathSync(top) !== real)
    return { exists: true, real, head: null, wanted: null, isChanged: false };
  const head = await git(folder, 'rev-parse', '--verify', '--quiet', 'HEAD^{commit}');
  // A branch moves: what the origin had when it was fetched last counts, not a local branch of that name.
  const wanted =
    (await git(folder, 'rev-parse', '--verify', '--quiet', `refs/remotes/origin/${ref}^{commit}`)) ??
    (await git(folder, 'rev-parse', '--verify', '--quiet', `${ref}^{commit}`));
  const changes = await git(folder, 'status', '--porcelain', '--untracked-files=no', '--ignore-submodules');
  return { exists: true, real, head, wanted, isChanged: changes === null || changes !== '' };
}

/** Hash of names and contents of the files below a folder, compiled ones left out; null when it is not there. */
function treeDigest(folder) {
  if (!existsSync(folder)) return null;
  const hash = createHash('sha256');
  const walk = (path, name) => {
    const entries = readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      if (entry.name === '__pycache__' || entry.name.endsWith('.pyc')) continue;
      const inner = join(path, entry.name);
      const innerName = `${name}/${entry.name}`;
      if (entry.isDirectory()) walk(inner, innerName);
      else if (entry.isFile()) {
        const content = createHash('sha256').update(readFileSync(inner)).digest('hex');
        hash.update(`${innerName}\0${content}\n`);
      } else hash.update(`${innerName}\0${entry.isSymbolicLink() ? 'link' : 'other'}\n`);
    }
  };
  walk(folder, '');
  return hash.digest('hex');
}

async function pythonFacts() {
  const { python, packages, modules } = request;
  if (!isExecutable(python)) return null;
  const program = fileURLToPath(new URL('./python_facts.py', import.meta.url));
  const line = await output([python, program, packages.join(','), modules.join(',')]);
  if (line === null) return null;
  const scripts = Object.fromEntries(request.scripts.map((name) => [name, isExecutable(join(dirname(python), name))]));
  return { ...JSON.parse(line.split('\n').at(-1)), scripts };
}

async function basePython() {
  for (const candidate of request.basePythons) {
    const line = await output([candidate, '-c', 'import sys; print(sys.executable); print(sys.version.split()[0])']);
    if (line === null) continue;
    const [path, version] = line.split('\n');
    return { path, version };
  }
  return null;
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

const checkouts = Object.fromEntries(
  await Promise.all(Object.entries(request.checkouts).map(async ([name, wanted]) => [name, await checkout(wanted)])),
);
const answer = {
  v: 1,
  versionFiles: versionFiles(),
  setEnv: request.setEnv.filter((path) => existsSync(path)),
  checkouts,
  megatron: { original: treeDigest(request.megatron.original), copy: treeDigest(request.megatron.copy) },
  folders: Object.fromEntries(request.folders.map((path) => [path, existsSync(path)])),
  python: await pythonFacts(),
  basePython: request.isExisting ? null : await basePython(),
  hasGit: (await output(['git', '--version'])) !== null,
};
process.stdout.write(`${JSON.stringify(answer)}\n`);
