import { join } from 'node:path';
import { TemperError } from '../../domain/errors.js';
import { unpackHosts } from '../../domain/host-list.js';
import { wantedPorts } from '../../domain/gang/master-ports.js';
import { assertAsProven } from '../../host/ledger/find-seal.js';
import { takeCheckpoint } from '../../host/ledger/take.js';
import {
  attemptDir,
  attemptsOf,
  makeLoadView,
  namedCheckpoint,
  takeAttempt,
  writeAttempt,
  type ProvenCheckpoint,
} from '../../host/run/attempts.js';
import { checkpointDigest } from '../../host/run/checkpoint-digest.js';
import { slowestPreparation } from '../../host/run/preparation.js';
import { fencedOff } from '../../host/fence/host-fence.js';
import { fenceFile, raiseFence } from '../../host/fence/workspace-fence.js';
import { freePort } from '../../host/free-port.js';
import type { Attempt, OpenAttemptCall } from '../../schemas/stage-calls.js';
import { checkpointBudgets } from './checkpoint-costs.js';
import { startCheckpoint } from './start-checkpoint.js';
import type { StageHost } from '../stage-host.js';
import { gatherInputs, type StageInputs } from '../stage-inputs.js';

/**
 * Opens an attempt: its number, its folders, the checkpoint it starts from, and where the gang meets. Runs on the
 * host of node rank 0, whose port it probes.
 */
export async function openAttempt(host: StageHost, call: OpenAttemptCall): Promise<Attempt> {
  const { workspace, run, hosts, hostNames, lease } = call;
  const inputs = await gatherInputs(host, call);
  const { recipe, facts, key } = inputs;
  const training = { workspace, run, key };
  const earlier = await attemptsOf(workspace, run, key);
  const attempt = await takeAttempt(workspace, run);
  // Right after its folder exists: from now on keepers of earlier attempts stop, wherever they are.
  const fence = { v: 1 as const, run, attempt, lease, at: new Date().toISOString() };
  const standing = await raiseFence(workspace, fence);
  if (standing.attempt !== attempt) throw fencedOff(fenceFile(workspace, run), fence, standing);
  const first = (): Promise<ProvenCheckpoint> => firstCheckpoint(inputs);
  const { start, refused } = await takeCheckpoint(training, { attempt, earlier, first }, recipe.checkpoint);
  // Measured once per training: a relaunch must be quick, and what a save may take does not change by it.
  const budgets =
    earlier.findLast((record) => record.budgets !== undefined)?.budgets ??
    (await checkpointBudgets(recipe, facts.spec, {
      ...{ workspace, run, key },
      converted: facts.inputs.convert?.outputs['dcp'] ?? null,
    }));
  const preprocessRowsPerSecond = await slowestPreparation(workspace, run, earlier);
  const dir = attemptDir(workspace, run, attempt);
  await makeLoadView(join(dir, 'load'), start, recipe.checkpoint);
  const masterAddress = hosts[0]?.address ?? host.address;
  const wanted = wantedPorts(facts.spec, recipe.training.masterPorts);
  const masterPort = await freePort(masterAddress, wanted);
  if (masterPort === null) {
    throw new TemperError('TrainingFailed', {
      where: masterAddress,
      what: `none of the ports ${wanted.join(', ')} is free for torchrun`,
    });
  }
  await writeAttempt(workspace, {
    v: 1,
    attempt,
    run,
    key,
    lease,
    hosts: hostNames === undefined ? hosts.map(({ name }) => name) : unpackHosts(hostNames),
    masterAddress,
    masterPort,
    load: {
      path: start.dir,
      iteration: start.iteration,
      ...(start.digest === undefined ? {} : { digest: start.digest }),
    },
    refused,
    ...(budgets === null ? {} : { budgets }),
    at: new Date().toISOString(),
  });
  const isComplete = start.iteration !== null && start.iteration >= facts.spec.train.iterations;
  return {
    v: 1,
    attempt,
    masterAddress,
    masterPort,
    loadIteration: start.iteration,
    lastIteration: isComplete ? start.iteration : null,
    ...(budgets === null ? {} : { budgets }),
    ...(preprocessRowsPerSecond === null ? {} : { preprocessRowsPerSecond }),
  };
}

/** Where the first attempt starts: at the checkpoint that the spec names, else at the converted weights. */
async function firstCheckpoint({ recipe, facts }: StageInputs): Promise<ProvenCheckpoint> {
  const { fromCheckpoint } = facts.spec.train;
  if (fromCheckpoint !== undefined) {
    const { layout } = recipe.checkpoint;
    const checkpoint = await startCheckpoint(fromCheckpoint, recipe, facts.spec.train);
    // A person may name a checkpoint that another run proved.
    await assertAsProven(checkpoint.dir, layout);
    return { ...checkpoint, digest: await checkpointDigest(checkpoint.dir, layout) };
  }
  const path = facts.inputs.convert?.outputs['dcp'];
  if (path === undefined) throw new TypeError('training needs the converted weights');
  const checkpoint = await namedCheckpoint(path, recipe.checkpoint);
  if (!('refused' in checkpoint)) return checkpoint;
  throw new TemperError('ProofFailed', {
    where: path,
    what: `the checkpoint to start from cannot be used: ${checkpoint.refused}`,
  });
}
