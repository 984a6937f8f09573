import { SetupError } from './setup-error.js';

/** Oldest Node that Temper is tested with; `engines` of package.json says the same. */
const MINIMUM = [20, 20];

/**
 * Throws a SetupError when `version` ("20.20.1") is older than the minimum.
 * @param {string} version
 */
export function checkNodeVersion(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isNewEnough = major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1]);
  if (isNewEnough) return;
  throw new SetupError({
    what: `Node ${version} is too old: Temper needs ${MINIMUM.join('.')} or newer`,
    fix: 'install a current Node, for example from https://nodejs.org/en/download, and try again',
  });
}
