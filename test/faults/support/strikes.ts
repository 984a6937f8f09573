import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { getFleet } from '../../../src/client/fleet.js';
import { recoverRun } from '../../../src/client/recover.js';
import { cancelRun } from '../../../src/client/runs.js';
import { gangWorkflowId, runWorkflowId, trainActivityId } from '../../../src/domain/ids.js';
import { waitFor } from '../../e2e/support/dev.js';
import { emptyTracker, removeShard, swapShards, truncateShard } from './damage.js';
import { hangWorkspace } from './hang-workspace.js';
import { killInSave } from './kill-in-save.js';
import type { Place } from './moments.js';
import { haveUnkillable } from './unkillable.js';
import { startAnother } from './another-run.js';
import { startRelease } from './release.js';
import { operateActivity } from './operate.js';
import { TIMING } from './timing.js';
import { nodesOfAttempt, type NodeProcesses } from './training-processes.js';
import { FLEET } from './worker-command.js';

/** A fault from outside. Returns when it has struck, and when what follows it on purpose (a restart) has happened. */
export type Strike = (place: Place, nodes: readonly NodeProcesses[]) => Promise<void>;

/** Longer than all that must pass, one after another, until a silent host is lost. */
const GONE_MS = TIMING.heartbeatTimeoutMs + TIMING.scheduleToStartMs + TIMING.probeTimeoutMs + 4_000;

/** Longer than everything that waits for a host or a server, but for the limits of the row itself. */
const AWAY_MS = Math.max(TIMING.heartbeatTimeoutMs, TIMING.scheduleToStartMs, TIMING.probeTimeoutMs) + 4_000;

export const STRIKES = {
  killRank: async ({ random }, nodes) => void process.kill(someRank(random.pick(nodes), random), 'SIGKILL'),
  killAllRanks: async (_, nodes) => {
    const ranks = nodes.flatMap((node) => [...node.ranks.values()]);
    // Stopped first: a launcher that sees one of them die ends the others, which would be gone before their turn.
    for (const signal of ['SIGSTOP', 'SIGKILL']) for (const pid of ranks) process.kill(pid, signal);
  },
  stopRank: async ({ random }, nodes) => void process.kill(someRank(random.pick(nodes), random), 'SIGSTOP'),
  killLauncher: async ({ random }, nodes) => void process.kill(random.pick(nodes).launcher, 'SIGKILL'),
  killKeeper: async ({ random }, nodes) => void process.kill(random.pick(nodes).keeper, 'SIGKILL'),
  killWorker: (place, nodes) => restartWorker(place, nodes, 'SIGKILL'),
  endWorker: (place, nodes) => restartWorker(place, nodes, 'SIGTERM'),
  redeploy,
  killControl: async (place, nodes) => {
    await place.site.control.end('SIGKILL');
    place.site.control.start();
    await expectSameProcesses(place, nodes);
  },
  killServer: async (place, nodes) => {
    await place.site.server.process.end('SIGKILL');
    await place.site.server.start();
    await expectSameProcesses(place, nodes);
  },
  serverAway: async (place, nodes) => {
    await place.site.server.process.end('SIGKILL');
    await sleep(AWAY_MS);
    await expectSameProcesses(place, nodes);
    await place.site.server.start();
  },
  wipeDatabase,
  cutServer: async (place, nodes) => {
    // The hardest one to do without: no other host logs iterations.
    const last = nodes.at(-1);
    if (last === undefined) throw new TypeError('an attempt without nodes trains');
    const host = place.site.host(last.host);
    host.cutServer();
    await sleep(GONE_MS);
    await expectSameProcesses(place, nodes);
    await host.heal();
  },
  cutServerAndWorkspace,
  losePower: async ({ site, random }, nodes) => site.host(random.pick(nodes).host).losePower(),
  losePowerUntilMissed: async ({ site, random }, nodes) => {
    const host = site.host(random.pick(nodes).host);
    await host.losePower();
    await waitFor('the gang to wait for a host', async () =>
      (await getFleet(site.client, FLEET)).waiting.length > 0 ? true : null,
    );
    await site.startHosts([host]);
  },
  killInSave,
  hangWorkspace,
  haveUnkillable,
  truncateShard,
  removeShard,
  swapShards,
  emptyTracker,
  pauseActivity: async (place, nodes) => {
    const activity = trainActivityId(place.attempt, place.random.pick(nodes).nodeRank);
    await operateActivity(place.site, gangWorkflowId(place.run), activity, 'pause');
    await waitFor('the pause', async () => ((await isPaused(place, activity)) ? true : null));
    await expectSameProcesses(place, nodes);
    await operateActivity(place.site, gangWorkflowId(place.run), activity, 'unpause');
  },
  resetActivity: async (place, nodes) => {
    const activity = trainActivityId(place.attempt, place.random.pick(nodes).nodeRank);
    const before = await startOf(place, activity);
    if (before === null) throw new Error(`${activity} of ${place.run} is not at work`);
    await operateActivity(place.site, gangWorkflowId(place.run), activity, 'reset');
    await waitFor('another supervisor', async () =>
      [before, null].includes(await startOf(place, activity)) ? null : true,
    );
    await expectSameProcesses(place, nodes);
  },
  cancel: async ({ site, run }) => void (await cancelRun(site.client, run)),
  terminate: ({ site, run }) => terminate(site.client, run),
  startAnother: (place) => startAnother(place),
  orphanAndStartAnother: async (place) => {
    const { site, run } = place;
    await Promise.all(site.hosts.map(({ worker }) => worker.end('SIGKILL')));
    await terminate(site.client, run);
    await site.startHosts();
    await startAnother(place);
  },
} as const satisfies Readonly<Record<string, Strike>>;

export type StrikeName = keyof typeof STRIKES;

async function restartWorker(place: Place, nodes: readonly NodeProcesses[], signal: NodeJS.Signals): Promise<void> {
  const host = place.site.host(place.random.pick(nodes).host);
  await host.worker.end(signal);
  await place.site.startHosts([host]);
  await expectSameProcesses(place, nodes);
}

/** All workers end as in a redeploy, and workers of another release come, beside keepers of this one. */
async function redeploy(place: Place, nodes: readonly NodeProcesses[]): Promise<void> {
  const { site } = place;
  await Promise.all([...site.hosts.map(({ worker }) => worker), site.control].map((one) => one.end('SIGTERM')));
  site.control.start();
  await startRelease(site, nodes);
  await expectSameProcesses(place, nodes);
}

/** The server comes back without its database: nobody knows the run but its folder, and the operator recovers it. */
async function wipeDatabase({ site, run }: Place): Promise<void> {
  await site.server.wipe();
  await site.server.start();
  await site.reopenFleet();
  const answer = await recoverRun(site.client, { run, workspace: site.workspace, fleet: FLEET, isDry: false });
  expect(answer.recovered).toBe(true);
}

/**
 * The split that only fences can answer: the host can neither be asked nor told anything, and does not see the fence.
 * Its keeper ends its ranks by its own clock.
 */
async function cutServerAndWorkspace({ site, random }: Place, nodes: readonly NodeProcesses[]): Promise<void> {
  const node = random.pick(nodes);
  const host = site.host(node.host);
  host.cutServer();
  host.cutWorkspace();
  const cutAt = Date.now();
  const exit = await node.handle.waitForExit();
  expect(exit.stop).toMatchObject({ reason: 'workspace-lost', requestedBy: 'keeper' });
  expect(Date.parse(exit.endedAt) - cutAt, 'ms until the old keeper ended its ranks').toBeLessThan(
    TIMING.fenceTimeoutMs,
  );
}

/** Those that still run are those that ran; those that do not have ended well. */
export async function expectSameProcesses(
  { site, run, attempt }: Place,
  before: readonly NodeProcesses[],
): Promise<void> {
  const now = nodesOfAttempt(site, run, attempt);
  for (const node of before) {
    const status = await node.handle.status();
    if (status.state === 'exited') {
      expect(status.exit).toMatchObject({ code: 0, stop: null });
      continue;
    }
    const same = now.find(({ host }) => host === node.host);
    expect({ keeper: same?.keeper, launcher: same?.launcher }).toEqual({
      keeper: node.keeper,
      launcher: node.launcher,
    });
    expect(same?.ranks).toEqual(node.ranks);
  }
}

function someRank({ ranks }: NodeProcesses, random: Place['random']): number {
  return random.pick([...ranks.values()]);
}

async function terminate({ temporal }: Place['site']['client'], run: string): Promise<void> {
  // The child first: terminating the parent alone only asks it to cancel, which is the gentler way.
  await temporal.workflow.getHandle(gangWorkflowId(run)).terminate('test');
  await temporal.workflow.getHandle(runWorkflowId(run)).terminate('test');
}

/** Whether it is paused: PENDING_ACTIVITY_STATE_PAUSED of temporal.api.enums.v1, the attempt that ran has ended. */
async function isPaused(place: Place, activity: string): Promise<boolean> {
  return (await pendingActivity(place, activity))?.state === 4;
}

/**
 * When its newest attempt was started, as text; attempts of one activity do not start at the same instant. null while
 * none has: a reset forgets the one before.
 */
async function startOf(place: Place, activity: string): Promise<string | null> {
  const started = (await pendingActivity(place, activity))?.lastStartedTime;
  if (started === undefined || started === null) return null;
  return `${String(started.seconds)}.${started.nanos}`;
}

async function pendingActivity({ site, run }: Place, activity: string) {
  const { raw } = await site.client.temporal.workflow.getHandle(gangWorkflowId(run)).describe();
  return raw.pendingActivities?.find(({ activityId }) => activityId === activity);
}
