import { realpath } from 'node:fs/promises';
import { basename, dirname, relative } from 'node:path';
import { TemperError } from '../../domain/errors.js';
import { attemptOfFolder } from '../../domain/ids.js';
import type { CheckpointReport } from '../../schemas/checkpoint.js';
import type { CheckpointSeal } from '../../schemas/ledger.js';
import type { CheckpointLayout } from '../../recipes/checkpoint-contract.js';
import { locateCheckpoint } from '../checkpoint/locate.js';
import { checkpointProblem } from '../checkpoint/problems.js';
import { verifyCheckpoint } from '../checkpoint/verify.js';
import { SAVES } from '../run/attempts.js';
import { readLedger } from './store.js';

/**
 * Verifies a checkpoint folder, or the folder that holds several, and compares it with what it was when Temper proved
 * it, where it lies in a run's folder and the run's ledger knows it. Needs nothing but the files.
 */
export async function verifyWithLedger(
  path: string,
  options: { readonly layout: CheckpointLayout; readonly isDeep?: boolean },
): Promise<CheckpointReport> {
  const { dir } = await locateCheckpoint(path, options.layout);
  try {
    return await verifyCheckpoint(path, { ...options, seal: dir === null ? null : await findSeal(dir) });
  } catch (error) {
    if (!(error instanceof TemperError) || error.problem.code !== 'WorkspaceUnusable') throw error;
    const { where, what, why } = error.problem;
    const damage = checkpointProblem('ledger-damaged', where ?? path, why === undefined ? what : `${what}: ${why}`);
    const report = await verifyCheckpoint(path, options);
    return { ...report, complete: false, problems: [...report.problems, damage] };
  }
}

/**
 * Refuses a checkpoint that is about to be used when it is not complete any more, or not what was proven.
 *
 * @throws TemperError `ProofFailed` with everything that was found.
 */
export async function assertAsProven(dir: string, layout: CheckpointLayout): Promise<void> {
  const { problems } = await verifyWithLedger(dir, { layout });
  const [first] = problems;
  if (first === undefined) return;
  throw new TemperError('ProofFailed', {
    where: first.where,
    what: `the checkpoint cannot be used any more: ${first.what}`,
    why: first.why,
    fix: first.fix,
    evidence: problems.map(({ where, what }) => `${where}: ${what}`),
  });
}

/** The seal of a checkpoint folder, or null when it is not one that a run saved and proved. */
async function findSeal(dir: string): Promise<CheckpointSeal | null> {
  // A load view shows its checkpoint by a link; what is linked is what was proven.
  const real = await realpath(dir);
  const saves = dirname(real);
  const attempt = dirname(saves);
  const isSaved =
    basename(saves) === SAVES &&
    attemptOfFolder(basename(attempt)) !== null &&
    basename(dirname(attempt)) === 'attempts';
  if (!isSaved) return null;
  const root = dirname(dirname(attempt));
  const { checkpoints } = await readLedger(root);
  return checkpoints.find((entry) => entry.dir === relative(root, real))?.seal ?? null;
}
