import { spawnSync } from 'node:child_process';

/** Prints, for each package name given, its installed version, or "-". */
const VERSIONS = `
import sys
from importlib.metadata import version, PackageNotFoundError
for name in sys.argv[1:]:
    try:
        print(name, version(name))
    except PackageNotFoundError:
        print(name, "-")
`;

/**
 * One pinned package.
 * @typedef {{ name: string, version: string }} Pin
 */

/**
 * Reads a requirements file of lines `name==version` with an optional marker on python_version.
 * @param {string} text
 * @param {string} pythonVersion "3.11"
 * @returns {readonly Pin[]} the pins that hold for this Python
 * @throws Error for a line of another form, which would escape the check of what is installed
 */
export function readPins(text, pythonVersion) {
  const minor = Number(pythonVersion.split('.')[1]);
  const lines = text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '');
  return lines.flatMap((line) => {
    const match = /^([\w-]+)==([\w.]+)(?:\s*;\s*python_version (>=|<) "3\.(\d+)")?$/.exec(line);
    if (match === null)
      throw new Error(`requirements: "${line}" is not of the form name==version [; python_version ...]`);
    const [, name, version, operator, limit] = match;
    const holds = operator === undefined || (operator === '<' ? minor < Number(limit) : minor >= Number(limit));
    return holds ? [{ name, version }] : [];
  });
}

/**
 * The pins that an interpreter's environment does not have in that version; null when the interpreter does not run.
 * @param {string} python
 * @param {readonly Pin[]} pins
 * @returns {readonly Pin[] | null}
 */
export function missingPins(python, pins) {
  const { status, stdout } = spawnSync(python, ['-c', VERSIONS, ...pins.map((pin) => pin.name)], { encoding: 'utf8' });
  if (status !== 0) return null;
  const installed = new Map(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.trim().split(' ')),
  );
  // A build label ("2.13.0+cpu") is not part of the version that the pin asks for.
  return pins.filter((pin) => installed.get(pin.name)?.split('+')[0] !== pin.version);
}
