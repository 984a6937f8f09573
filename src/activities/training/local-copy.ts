import { log } from '@temporalio/activity';
import { TemperError } from '../../domain/errors.js';
import { chooseCheckpoint } from '../../host/ledger/choose.js';
import { findCopyDamage, localCopyDir, readLocalCopy, removeLocalCopies } from '../../host/local-copy/local-copies.js';
import { attemptsOf } from '../../host/run/attempts.js';
import { copyStageLogs } from '../../host/run/stage-logs.js';
import { readReceipt } from '../../host/store/entry.js';
import { findChange } from '../../host/store/manifest.js';
import { makeFolder } from '../../host/make-folder.js';
import type { PipelineSpec } from '../../schemas/spec.js';
import type { Attempt, StageCall } from '../../schemas/stage-calls.js';
import { newestLine } from '../command-progress.js';
import type { StageHost } from '../stage-host.js';
import { absolute, gatherInputs } from '../stage-inputs.js';
import { assertSucceeded, supervise } from './supervise.js';

/**
 * Brings the converted weights to this host's own disk where the spec asks for it, before a training takes the host.
 * The host is leased, so copies that this training does not load are in nobody's use and go first.
 */
export async function ensureLocalCopy(host: StageHost, call: StageCall, spec: PipelineSpec): Promise<void> {
  const dir = wantedCopy(host, call, spec);
  const removed = await removeLocalCopies(host.scratch, dir);
  if (removed.length > 0) log.info('copies of weights that are not used any more were removed', { removed });
  if (dir === null || (await hasTrained(host, call))) return;
  const { recipe, tools } = await gatherInputs(host, call);
  const source = await provenWeights(call);
  await makeFolder(host.scratch);
  const result = await supervise({
    host,
    call,
    command: {
      step: 'copy-weights',
      argv: [tools.node, tools.temper, 'checkpoint', 'copy', source, '--output', dir, '--recipe', recipe.id],
      cwd: host.scratch,
      env: {},
    },
    number: call.tryNumber,
    progress: newestLine,
  });
  await copyStageLogs(call.workspace, call.run, call.stage.name, `${host.name}-copy-weights`, result.keeper.paths);
  await assertSucceeded('copy-weights', result);
}

/** Folder on this host that an attempt may load from, or null: then it loads from the workspace, as every host can. */
export async function localLoadDir(
  host: StageHost,
  call: StageCall & { readonly attempt: Pick<Attempt, 'loadIteration'> },
  spec: PipelineSpec,
): Promise<string | null> {
  const dir = call.attempt.loadIteration === null ? wantedCopy(host, call, spec) : null;
  if (dir === null) return null;
  const copy = await readLocalCopy(dir);
  const [damage] = copy === null ? [] : await findCopyDamage(dir, copy);
  if (copy !== null && damage === undefined) return dir;
  log.warn('the weights are loaded from the workspace: the local copy cannot be used', { dir, damage });
  return null;
}

/** Where the copy of this training's first checkpoint lies; null when none is wanted. */
function wantedCopy(host: StageHost, { needs, stage }: StageCall, { weights, train }: PipelineSpec): string | null {
  const converted = needs.find((need) => need.stage === 'convert');
  const isWanted = stage.name === 'train' && weights.localCopy === true && train.fromCheckpoint === undefined;
  return isWanted && converted !== undefined ? localCopyDir(host.scratch, converted.digest) : null;
}

/** Whether the training goes on from a checkpoint of its own, so that nobody will load the converted weights. */
async function hasTrained(host: StageHost, call: StageCall): Promise<boolean> {
  const { workspace, run } = call;
  const { key, recipe } = await gatherInputs(host, call);
  const earlier = await attemptsOf(workspace, run, key);
  return (await chooseCheckpoint({ workspace, run, key }, earlier, recipe.checkpoint)).proven !== null;
}

/** The converted weights, still as their receipt says. */
async function provenWeights({ workspace, needs }: StageCall): Promise<string> {
  const converted = needs.find((need) => need.stage === 'convert');
  const receipt = converted === undefined ? null : await readReceipt(workspace, 'convert', converted.key);
  const source = receipt?.outputs['dcp'];
  if (receipt === null || source === undefined) throw new TypeError('training needs the converted weights');
  const change = await findChange(absolute(workspace, receipt.dir), receipt.manifest);
  if (change === null) return absolute(workspace, source);
  throw new TemperError('ProofFailed', {
    where: source,
    what: `the converted weights cannot be copied to the hosts: ${change}`,
    fix: 'temper resume RUN --from convert makes them again',
  });
}
