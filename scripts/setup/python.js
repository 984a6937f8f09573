import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { SetupError } from './setup-error.js';

/** Oldest Python that torch 2.13 supports (its Requires-Python). */
const MINIMUM_MINOR = 10;
/** Newest first among the named versions: plain `python3` comes before them, being what the person means. */
const CANDIDATES = ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10'];
const PROBE = `
import sys
try:
    import venv, ensurepip
    has_venv = 1
except ImportError:
    has_venv = 0
print(sys.version_info[0], sys.version_info[1], has_venv, sys.executable)
`;

/**
 * A usable Python interpreter.
 * @typedef {{ path: string, version: string }} Python version is "3.11"
 */

/**
 * Finds a Python for the virtual environment.
 * @param {object} options
 * @param {string | undefined} options.chosen interpreter the person named (TEMPER_SETUP_PYTHON), tried alone
 * @param {string} [options.osRelease] path of os-release
 * @param {readonly string[]} [options.candidates]
 * @returns {Python}
 * @throws SetupError when none is new enough, or its venv support is missing
 */
export function findPython({ chosen, osRelease = '/etc/os-release', candidates = CANDIDATES }) {
  const probed = (chosen ? [chosen] : candidates).map(probe).filter((found) => found !== null);
  const newEnough = probed.filter((found) => found.major === 3 && found.minor >= MINIMUM_MINOR);
  const usable = newEnough.find((found) => found.hasVenv);
  if (usable) return { path: usable.path, version: `${usable.major}.${usable.minor}` };
  const [first] = newEnough;
  if (first) throw missingVenv(first, readOsIds(osRelease));
  const seen = probed.map((found) => `${found.name} is ${found.major}.${found.minor}`).join(', ');
  throw new SetupError({
    what: `Python 3.${MINIMUM_MINOR} or newer is needed`,
    why: seen || `no interpreter answers to ${chosen ?? candidates.join(', ')}`,
    fix: `${installCommand(readOsIds(osRelease), 'python')}, or set TEMPER_SETUP_PYTHON to a newer interpreter`,
  });
}

function probe(name) {
  const { status, stdout } = spawnSync(name, ['-c', PROBE], { encoding: 'utf8' });
  const [major, minor, hasVenv, path] = (stdout ?? '').trim().split(' ');
  if (status !== 0 || path === undefined) return null;
  return { name, major: Number(major), minor: Number(minor), hasVenv: hasVenv === '1', path };
}

function missingVenv({ path, major, minor }, osIds) {
  const version = `${major}.${minor}`;
  return new SetupError({
    what: `${path} (Python ${version}) cannot make virtual environments: its modules venv and ensurepip are missing`,
    why: 'some distributions ship them in a package of their own',
    fix: `${installCommand(osIds, 'venv', version)}, or set TEMPER_SETUP_PYTHON to a complete interpreter`,
  });
}

/** Command that installs Python or its venv support on this distribution. */
function installCommand(osIds, part, version = '3') {
  const family = ['debian', 'ubuntu', 'fedora', 'rhel', 'suse', 'arch'].find((one) => osIds.includes(one));
  switch (family) {
    case 'debian':
    case 'ubuntu':
      return part === 'venv' ? `apt-get install python${version}-venv` : 'apt-get install python3 python3-venv';
    case 'suse':
      return `zypper install python${version.replace('.', '')} python${version.replace('.', '')}-pip`;
    case 'arch':
      return 'pacman -S python';
    case 'fedora':
    case 'rhel':
      return `dnf install python${version} python${version}-pip`;
    default:
      return `install Python ${version === '3' ? '3.11' : version} with its modules venv and ensurepip`;
  }
}

/** ID and ID_LIKE of os-release(5); openEuler names no family there and uses dnf like those of Red Hat. */
function readOsIds(file) {
  try {
    const text = readFileSync(file, 'utf8');
    const values = [...text.matchAll(/^ID(?:_LIKE)?="?([^"\n]*)"?$/gm)].flatMap(([, value]) => value.split(' '));
    return values.flatMap((id) =>
      id === 'openEuler' ? [id, 'rhel'] : id.startsWith('opensuse') ? [id, 'suse'] : [id],
    );
  } catch {
    return [];
  }
}
