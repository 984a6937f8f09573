import { isSameOwner, readClaim } from '../../host/store/claim.js';
import { entryDir } from '../../host/store/entry.js';
import type { LookUpAnswer, StageCall } from '../../schemas/stage-calls.js';
import { abandonClaim, claimOutput } from '../claim-output.js';
import { noteDone } from '../look-up-stage.js';
import { gatherInputs, provenOutput } from '../stage-inputs.js';
import type { StageHost } from '../stage-host.js';

/** Claims a training, so that two runs with the same inputs train once; answers the outcome when it is there. */
export async function claimTraining(host: StageHost, call: StageCall): Promise<LookUpAnswer> {
  const { key } = await gatherInputs(host, call);
  const entry = entryDir(call.workspace, call.stage.name, key);
  const claim = await claimOutput(
    host,
    call,
    entry,
    async () => !call.isFresh && (await provenOutput(call.workspace, call.stage.name, key)) !== null,
  );
  if (claim !== null) return { v: 1, done: null };
  const receipt = await provenOutput(call.workspace, call.stage.name, key);
  if (receipt === null) throw new TypeError('a proven training vanished between two looks');
  return { v: 1, done: await noteDone(call, receipt, true, 0) };
}

/**
 * Gives the claim of a failed stage back, so that others may try, once its commands are proven stopped; without
 * effect on a claim of somebody else.
 */
export async function releaseClaim(host: StageHost, call: StageCall): Promise<void> {
  const { key } = await gatherInputs(host, call);
  const entry = entryDir(call.workspace, call.stage.name, key);
  const claim = await readClaim(entry);
  if (claim === null || !isSameOwner(claim, call)) return;
  await abandonClaim(host, call, entry, claim);
}
