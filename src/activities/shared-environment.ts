import { cancellationSignal, heartbeat, sleep } from '@temporalio/activity';
import { keeperPrefix } from '../domain/ids.js';
import { dropClaim, tryClaim } from '../host/store/claim.js';
import { stopKeepers } from '../host/stop-keepers.js';
import type { Claim } from '../schemas/receipt.js';
import type { Progress } from '../schemas/run.js';
import type { StageCall } from '../schemas/stage-calls.js';
import { isAbandoned } from './claim-output.js';
import { isContinued } from './detached.js';
import type { StageHost } from './stage-host.js';
import { stopKeepersOn } from './training/stop-elsewhere.js';

/** Does some work while no other host changes the same shared environment; waits for the one that does. */
export async function withSharedClaim(
  host: StageHost,
  call: StageCall,
  root: string,
  work: () => Promise<void>,
): Promise<void> {
  // Beside the environment: it is made by the first who holds the claim.
  const entry = `${root}.claims`;
  const claim = await takeClaim(host, call, entry);
  const prefix = keeperPrefix(call.run, call.stage.name);
  try {
    await work();
    await dropClaim(entry, claim);
  } catch (error) {
    if (!isContinued(error)) {
      await stopKeepers(host.scratch, prefix, 'the stage failed', call.timing.stopGraceMs);
      await dropClaim(entry, claim);
    }
    throw error;
  }
}

async function takeClaim(host: StageHost, call: StageCall, entry: string): Promise<Claim> {
  for (;;) {
    cancellationSignal().throwIfAborted();
    const { claim, isOurs } = await tryClaim(entry, claimOf(host, call));
    if (isOurs) return claim;
    if (await isLeft(claim, call)) {
      await stopKeepersOn(host, call, claim.host, keeperPrefix(claim.run, call.stage.name));
      await dropClaim(entry, claim);
      continue;
    }
    const text = `waiting for ${claim.host}, which installs the shared environment for run ${claim.run}`;
    heartbeat({ v: 1, stage: call.stage.name, host: host.name, phase: 'waiting', text } satisfies Progress);
    await sleep(Math.max(call.timing.pollMs, 1_000));
  }
}

/** The hosts of a run share its workflow, so the host is a part of the owner's name here. */
function claimOf({ name }: StageHost, { run, owner, tryNumber }: StageCall): Claim {
  const mine = { ...owner, workflowId: `${owner.workflowId}${HOST_MARK}${name}` };
  return { v: 1, run, owner: mine, host: name, tryNumber, out: '', at: new Date().toISOString() };
}

/** No workflow id of ours holds it. */
const HOST_MARK = '#';

/** Whether nobody works under a claim any more: its run is over, or went on without that host. */
async function isLeft(claim: Claim, call: StageCall): Promise<boolean> {
  const [workflowId = ''] = claim.owner.workflowId.split(HOST_MARK);
  const isOfThisRun = workflowId === call.owner.workflowId && claim.owner.firstRunId === call.owner.firstRunId;
  if (isOfThisRun) return claim.tryNumber < call.tryNumber;
  return isAbandoned({ ...claim, owner: { ...claim.owner, workflowId } }, call);
}
