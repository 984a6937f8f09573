import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runStep } from './run-step.js';

/**
 * Runs `npm ci` unless node_modules already holds what package-lock.json names.
 * @param {string} root
 * @param {string} logDir
 */
export async function installNpmPackages(root, logDir) {
  if (isNpmTreeCurrent(root)) return;
  await runStep({
    title: 'npm packages (npm ci)',
    command: 'npm',
    // A test run sets NODE_ENV for its own purposes; the build needs the development packages in any case.
    args: ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=warn'],
    cwd: root,
    logFile: join(logDir, 'setup-npm.log'),
    fix: 'check the network and the registry (npm ping; npm config get registry), then run the same command again',
  });
}

/**
 * Whether the installed tree equals the lock file. npm writes node_modules/.package-lock.json as its last act, so
 * an interrupted `npm ci` never looks complete.
 * @param {string} root
 */
export function isNpmTreeCurrent(root) {
  const wanted = readPackages(join(root, 'package-lock.json'));
  const present = readPackages(join(root, 'node_modules', '.package-lock.json'));
  if (wanted === null || present === null) return false;
  const isPresent = ([path, entry]) => {
    // Optional packages are made for other platforms; npm leaves those out.
    if (path === '' || (entry.optional && present[path] === undefined)) return true;
    const found = present[path];
    return found?.version === entry.version && found?.integrity === entry.integrity && existsSync(join(root, path));
  };
  return Object.entries(wanted).every(isPresent) && Object.keys(present).every((path) => wanted[path] !== undefined);
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages ?? null;
  } catch {
    // Missing or cut off: both mean that the tree has to be made again.
    return null;
  }
}
