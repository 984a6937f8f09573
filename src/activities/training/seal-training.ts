import { relative } from 'node:path';
import { TemperError } from '../../domain/errors.js';
import { chooseCheckpoint } from '../../host/ledger/choose.js';
import { verifyWithLedger } from '../../host/ledger/find-seal.js';
import { attemptDir, attemptsOf } from '../../host/run/attempts.js';
import { isSameOwner, readClaim } from '../../host/store/claim.js';
import { entryDir, writeReceipt } from '../../host/store/entry.js';
import { makeManifest, manifestDigest } from '../../host/store/manifest.js';
import { readLosses } from '../../host/run/metrics.js';
import type { Receipt } from '../../schemas/receipt.js';
import type { SealCall, StageDone } from '../../schemas/stage-calls.js';
import { abandonClaim } from '../claim-output.js';
import { keepCheckpoints } from './keep-checkpoints.js';
import { noteDone } from '../look-up-stage.js';
import type { StageHost } from '../stage-host.js';
import { gatherInputs } from '../stage-inputs.js';

/**
 * Proves a training: exit status 0 of all nodes is not enough. The last iteration was logged, the end milestone
 * was reached, and the last checkpoint is complete; then the receipt is written.
 */
export async function sealTraining(host: StageHost, call: SealCall): Promise<StageDone> {
  const { workspace, run, attempt } = call;
  const { recipe, facts, key } = await gatherInputs(host, call);
  const { iterations } = facts.spec.train;
  if (attempt.lastIteration === null) assertFinished(call, iterations);
  const training = { workspace, run, key };
  const attempts = await attemptsOf(workspace, run, key);
  const { proven, refused } = await chooseCheckpoint(training, attempts, recipe.checkpoint);
  const checkpoint =
    proven ?? (attempt.lastIteration === null ? null : { dir: lastLoaded(attempts), iteration: attempt.lastIteration });
  if (checkpoint?.iteration !== iterations) {
    throw new TemperError('TrainingUnproven', {
      where: attemptDir(workspace, run, attempt.attempt),
      what: `the newest complete checkpoint holds iteration ${checkpoint?.iteration ?? 'none'} of ${iterations}`,
      evidence: [...refused],
    });
  }
  const { worldSize, bytes } = await verifyWithLedger(checkpoint.dir, recipe.checkpoint);
  const losses = await readLosses(workspace, run, attempts);
  const manifest = await makeManifest(checkpoint.dir);
  const entry = entryDir(workspace, call.stage.name, key);
  const claim = await readClaim(entry);
  const startedAt = claim?.at ?? new Date().toISOString();
  const path = relative(workspace, checkpoint.dir);
  const dir = path.startsWith('..') ? checkpoint.dir : path;
  const receipt: Receipt = {
    v: 1,
    stage: call.stage.name,
    key,
    dir,
    outputs: { checkpoint: dir },
    facts: { iterations, attempts: attempts.length, worldSize, checkpointBytes: bytes, checkpoint: dir, ...losses },
    manifest,
    digest: manifestDigest(manifest),
    madeBy: { run, host: host.name, owner: call.owner.firstRunId, tryNumber: call.tryNumber },
    startedAt,
    finishedAt: new Date().toISOString(),
  };
  await writeReceipt(workspace, receipt);
  await keepCheckpoints(training, attempt.attempt + 1, { recipe, spec: facts.spec });
  // The output lies with the attempts of the run; the folder that the claim took stays empty.
  if (claim !== null && isSameOwner(claim, call)) await abandonClaim(host, call, entry, claim);
  return noteDone(call, receipt, false, Date.now() - Date.parse(startedAt));
}

function assertFinished({ nodes, workspace, run, attempt }: SealCall, iterations: number): void {
  const reached = Math.max(0, ...nodes.map(({ lastIteration }) => lastIteration ?? 0));
  const hasEnded = nodes.some((node) => node.hasEnded);
  if (reached === iterations && hasEnded) return;
  throw new TemperError('TrainingUnproven', {
    where: attemptDir(workspace, run, attempt.attempt),
    what: `all ranks ended with status 0, but ${hasEnded ? `iteration ${reached} of ${iterations} was the last` : 'none said that training was done'}`,
    why: 'training programs end with status 0 after some errors',
  });
}

function lastLoaded(attempts: readonly { readonly load: { readonly path: string } }[]): string {
  const path = attempts.at(-1)?.load.path;
  if (path === undefined) throw new TypeError('a finished training has no attempt');
  return path;
}
