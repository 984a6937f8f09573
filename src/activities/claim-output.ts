import { cancellationSignal, heartbeat, sleep } from '@temporalio/activity';
import type { HostContext } from '../host/context.js';
import { keeperPrefix } from '../domain/ids.js';
import { dropClaim, renewClaim, tryClaim } from '../host/store/claim.js';
import { dropOut, makeOut } from '../host/store/entry.js';
import { stopKeepers } from '../host/stop-keepers.js';
import type { Claim } from '../schemas/receipt.js';
import type { Progress } from '../schemas/run.js';
import type { StageCall } from '../schemas/stage-calls.js';
import { stopKeepersOn } from './training/stop-elsewhere.js';
import { isClosed } from './closed-owner.js';

/**
 * Claims the right to make an output, waiting while another run makes it. Answers the claim, or null when the
 * output appeared meanwhile. A claim of a closed run is taken over after its commands are proven stopped.
 */
export async function claimOutput(
  host: HostContext,
  call: StageCall,
  entry: string,
  isThere: () => Promise<boolean>,
): Promise<Claim | null> {
  for (;;) {
    cancellationSignal().throwIfAborted();
    const mine = newClaim(host, call);
    const { claim, isOurs } = await tryClaim(entry, mine);
    if (await isThere()) {
      if (isOurs) await dropClaim(entry, claim);
      return null;
    }
    if (isOurs) return continueClaim(host, call, entry, claim);
    if (await isAbandoned(claim, call)) {
      await stopKeepersOn(host, call, claim.host, keeperPrefix(claim.run, call.stage.name));
      // In this order: the old folder keeps its number from being taken until the one who dropped the claim removes it.
      if (await dropClaim(entry, claim)) await dropOut(entry, claim.out);
      continue;
    }
    const text = `waiting for run ${claim.run}, which makes the same output on ${claim.host}`;
    heartbeat({ v: 1, stage: call.stage.name, host: host.name, phase: 'waiting', text } satisfies Progress);
    await sleep(Math.max(call.timing.pollMs, 1_000));
  }
}

/** Gives a claim back after a failure, and removes the unproven output once nothing writes into it any more. */
export async function abandonClaim(
  { scratch }: HostContext,
  { run, stage, timing }: StageCall,
  entry: string,
  claim: Claim,
): Promise<void> {
  await stopKeepers(scratch, keeperPrefix(run, stage.name), 'the stage failed', timing.stopGraceMs);
  await dropOut(entry, claim.out);
  await dropClaim(entry, claim);
}

function newClaim({ name }: HostContext, { run, owner, tryNumber }: StageCall): Claim {
  return { v: 1, run, owner, host: name, tryNumber, out: '', at: new Date().toISOString() };
}

/** The same try goes on in the same folder, where its command may still be writing; a new try begins a new one. */
async function continueClaim(host: HostContext, call: StageCall, entry: string, claim: Claim): Promise<Claim> {
  if (claim.out !== '' && claim.tryNumber === call.tryNumber && claim.host === host.name) return claim;
  if (claim.out !== '') {
    await stopKeepersOn(host, call, claim.host, keeperPrefix(call.run, call.stage.name));
    await dropOut(entry, claim.out);
  }
  const renewed: Claim = { ...newClaim(host, call), out: await makeOut(entry) };
  await renewClaim(entry, renewed);
  return renewed;
}

/** A claim is abandoned when no run of its workflow chain is open. A workflow that is not found is unknown. */
export async function isAbandoned(claim: Claim, call: StageCall): Promise<boolean> {
  const { workflowId, firstRunId } = claim.owner;
  // One workflow id has one open run, and that is the caller's.
  if (workflowId === call.owner.workflowId) return firstRunId !== call.owner.firstRunId;
  return isClosed(claim.owner);
}
