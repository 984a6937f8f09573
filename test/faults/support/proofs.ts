import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect } from 'vitest';
import { getFleet } from '../../../src/client/fleet.js';
import { readRecordFile } from '../../../src/host/keeper/files.js';
import { lockName } from '../../../src/host/keeper/names.js';
import { readLedger } from '../../../src/host/ledger/store.js';
import { allAttempts } from '../../../src/host/run/attempts.js';
import { runDir } from '../../../src/host/run/run-folder.js';
import type { AttemptRecord } from '../../../src/schemas/attempt.js';
import { waitFor } from '../../e2e/support/dev.js';
import { expectInvariant } from '../../support/invariant.js';
import { LOG_RESOLUTION_MS, readRecords } from '../../support/read-records.js';
import { mergeSegments, readMetricsCurve, readSegments, type Point } from './curve.js';
import type { FaultSite } from './fault-site.js';
import { processesOfRun, trainingKeepers } from './training-processes.js';
import { FLEET } from './worker-command.js';

/** How long what ends by itself may take after the run has: a supervisor of a terminated run learns it by a heartbeat. */
const ENDING_LIMIT_MS = 20_000;

/** What may stay until somebody needs it. */
export interface Excuses {
  /** Files of a keeper on a host that lost its power, until the next training there closes its books. */
  readonly wasPowerLost?: boolean;
  /** Lease and claim of a run that had no chance to give them back, until another one wants them. */
  readonly wasTerminated?: boolean;
}

/** No process, port, socket, lock, lease or claim of a run is left on any host. */
export async function expectNothingLeft(
  site: FaultSite,
  run: string,
  { wasPowerLost = false, wasTerminated = false }: Excuses = {},
): Promise<void> {
  const attempts = await allAttempts(site.workspace, run);
  const left = async (): Promise<string[]> => {
    const trainings = trainingKeepers(site, run);
    const keepers = trainings.map(({ handle }) => handle);
    const sockets = new Map(site.hosts.map((host) => [host.name, host.unixSockets()]));
    const states = (
      await Promise.all(keepers.map(async (keeper) => ({ keeper, status: await keeper.status() })))
    ).filter(({ status }) => !(wasPowerLost && status.state === 'lost'));
    const fleet = await getFleet(site.client, FLEET);
    const ports = await Promise.all(attempts.map(async (one) => ((await isServed(one)) ? [one.masterPort] : [])));
    return [
      ...processesOfRun(run).map(({ pid, command }) => `process ${pid}: ${command}`),
      ...states
        .filter(({ status }) => status.state !== 'exited' && status.state !== 'absent')
        .map(({ keeper, status }) => `keeper ${keeper.id} is ${status.state}`),
      ...trainings
        .filter(({ host, handle }) => sockets.get(host)?.includes(`@${lockName(handle.paths.dir).slice(1)}`))
        .map(({ handle }) => `the lock of ${handle.id}`),
      ...states
        .map(({ keeper: { paths } }) => readRecordFile(paths)?.socketPath)
        .filter((path) => path !== undefined && existsSync(path))
        .map((path) => `socket ${path}`),
      ...ports.flat().map((port) => `port ${port}`),
      ...(wasTerminated ? [] : fleet.leases)
        .filter(({ owner }) => owner.includes(`/${run}/`))
        .map(({ lease }) => `lease ${lease}`),
      ...fleet.waiting.filter(({ owner }) => owner.includes(`/${run}/`)).map(() => 'a place in the queue for hosts'),
      ...(wasTerminated ? [] : claimsOf(site.workspace, run)),
      ...raisesOf(site.workspace, run),
    ];
  };
  let seen: string[] = [];
  await waitFor(
    'nothing to be left',
    async () => ((seen = await left()).length === 0 ? true : null),
    () => seen.join('\n'),
    ENDING_LIMIT_MS,
  );
}

/** No two attempts of these runs made steps or wrote at the same time, by keepers' records and rank logs. */
export async function expectInvariantOf(site: FaultSite, runs: readonly string[]): Promise<void> {
  const { workspace, scratch } = site;
  expectInvariant(await readRecords({ workspace, runs, scratch }), { slackMs: LOG_RESOLUTION_MS });
}

/**
 * Each attempt goes on right behind the newest checkpoint that was proven before it, unless that one was damaged or holds
 * what a lost loss made of the weights: so no step is made again that a checkpoint holds.
 */
export async function expectNoStepAgain(
  site: FaultSite,
  run: string,
  { lastRank, isDamaged }: { readonly lastRank: number; readonly isDamaged: boolean },
): Promise<void> {
  const attempts = await allAttempts(site.workspace, run);
  const { checkpoints } = await readLedger(runDir(site.workspace, run));
  const segments = await readSegments(site, run, lastRank);
  const spoiled = new Map(segments.map(({ attempt, spoiledAt }) => [attempt, spoiledAt]));
  for (const { attempt, from, points } of segments) {
    const opened = Date.parse(attempts.find((one) => one.attempt === attempt)?.at ?? '');
    const proven = checkpoints.filter((entry) => entry.attempt < attempt && Date.parse(entry.provenAt) < opened);
    const usable = proven
      .filter(({ refused }) => !isDamaged || refused === null)
      .filter((entry) => entry.iteration < (spoiled.get(entry.attempt) ?? Number.POSITIVE_INFINITY));
    const newest = Math.max(0, ...usable.map(({ iteration }) => iteration));
    expect(from, `attempt ${attempt} loads`).toBeGreaterThanOrEqual(newest);
    const first = points[0]?.iteration;
    if (first !== undefined) expect(first, `first step of attempt ${attempt}`).toBe(from + 1);
  }
}

/** Every iteration once and in order, with the losses of a run that nothing disturbed; Temper's metrics say the same. */
export async function expectWholeCurve(
  site: FaultSite,
  run: string,
  lastRank: number,
  { undisturbed, areMetricsWhole }: { readonly undisturbed: readonly Point[]; readonly areMetricsWhole: boolean },
): Promise<void> {
  const curve = mergeSegments(await readSegments(site, run, lastRank));
  expect(curve.map(({ iteration }) => iteration)).toEqual(undisturbed.map(({ iteration }) => iteration));
  expect(curve).toEqual(undisturbed);
  if (!areMetricsWhole) return;
  const metrics = await readMetricsCurve(site, run);
  const numbers = undisturbed.map(({ iteration, loss }) => ({ iteration, loss: Number(loss) }));
  expect(metrics).toEqual(numbers);
}

async function isServed({ masterAddress, masterPort }: AttemptRecord): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: masterAddress, port: masterPort });
    const end = (answer: boolean) => (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', end(true));
    socket.once('error', end(false));
  });
}

/** Claims of outputs that a run holds in the store. */
function claimsOf(workspace: string, run: string): readonly string[] {
  const store = join(workspace, 'store/train');
  return entries(store).flatMap((key) => {
    const claim = join(store, key, 'claim');
    return entries(claim)
      .filter((name) => readFileSync(join(claim, name), 'utf8').includes(`"${run}"`))
      .map((name) => `claim ${join(claim, name)}`);
  });
}

/** Unfinished raises of the run's fence. */
function raisesOf(workspace: string, run: string): readonly string[] {
  return entries(join(runDir(workspace, run), 'attempts'))
    .filter((name) => name.startsWith('fence.raise.'))
    .map((name) => `raise ${name}`);
}

function entries(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
