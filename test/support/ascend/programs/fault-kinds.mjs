import { Faults, KINDS } from '../../../../src/recipes/simulated/programs/faults.mjs';

/** Variable that names the faults file, and is inherited from the worker of a host. */
export const FAULTS_VARIABLE = 'FAKE_ASCEND_FAULTS';

/** What goes wrong besides the faults of the simulated trainer, and where: `README.md` in the folder above says what each does. */
const OWN_KINDS = {
  'convert-killed': 'convert',
  'convert-drops': 'convert',
  'convert-torn': 'convert',
  'scattered-save': 'scatter',
  'slow-rows': 'rows',
  'unseen-tracker': 'tracker',
  unsaid: 'say',
};

/**
 * The faults of a rank, of the launcher (rank null), or of the converter (rank 0 of one).
 * @param {number | null} rank
 * @param {number} worldSize
 * @param {Readonly<Record<string, string | undefined>>} [env]
 */
export function loadFaults(rank, worldSize, env = process.env) {
  return Faults.load(env[FAULTS_VARIABLE] || null, rank, worldSize, { ...KINDS, ...OWN_KINDS });
}
