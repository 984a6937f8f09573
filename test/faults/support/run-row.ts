import { join } from 'node:path';
import { expect } from 'vitest';
import { getFleet } from '../../../src/client/fleet.js';
import { cancelRun, resumeRun } from '../../../src/client/runs.js';
import { readIncidents } from '../../../src/host/run/incidents.js';
import { allAttempts } from '../../../src/host/run/attempts.js';
import type { Incident } from '../../../src/schemas/incident.js';
import type { SlowHost } from '../../../src/schemas/pace.js';
import type { RunStatus } from '../../../src/schemas/run.js';
import { follow } from '../../e2e/support/runs.js';
import { readSegments, mergeSegments, type Point } from './curve.js';
import type { FaultSite } from './fault-site.js';
import { awaitMoment, lastRank, someIteration, type Place, type Shape } from './moments.js';
import { expectInvariantOf, expectNoStepAgain, expectNothingLeft, expectWholeCurve } from './proofs.js';
import { Random } from './random.js';
import type { Expected, FaultRow, InnerFault } from './row.js';
import { STRIKES } from './strikes.js';
import { trainingKeepers } from './training-processes.js';
import { writeFaults, type Trainer } from './training.js';

const STEP_MS = 20;

/** What a training comes to when nothing disturbs it. */
export interface Undisturbed {
  readonly curve: readonly Point[];
  /** Digest of what was trained. */
  readonly state: string;
}

/** Trains once without a fault. */
export async function trainUndisturbed(site: FaultSite, { shape, start, digest }: Trainer): Promise<Undisturbed> {
  const run = await start(site, { name: 'undisturbed', stepMs: 1, env: {} });
  const status = await follow(site.client, run);
  expect(status.state, JSON.stringify(status.problem)).toBe('done');
  const curve = mergeSegments(await readSegments(site, run, lastRank(shape)));
  expect(curve).toHaveLength(shape.iterations);
  return { curve, state: await digest(site, status) };
}

/** Lets a row's fault strike at a moment that the seed chooses, and proves what has to come of it. */
export async function runRow(
  site: FaultSite,
  { shape, start, digest }: Trainer,
  row: FaultRow,
  seed: number,
  undisturbed: Undisturbed,
): Promise<readonly Incident[]> {
  const random = Random.of(seed, row.name);
  const { name, stepMs = STEP_MS, env = {}, hasSpare = false } = row;
  const inner = (row.inner ?? []).map((fault) => chosen(fault, join(site.home, `${name}.struck`), shape, random));
  const training = { name, stepMs, env, inner, spares: hasSpare ? 1 : 0 };
  const run = await start(site, training);
  try {
    const place: Place = { ...shape, site, run, random, attempt: 1 };
    const proof = {
      struckRank: inner[0]?.['rank'] ?? null,
      undisturbed,
      digest,
      startAgain: () => start(site, { ...training, inner: [] }),
    };
    return await strikeAndProve(place, row, proof);
  } catch (error) {
    await abandon(site, run);
    throw error;
  }
}

interface Proof extends Pick<Trainer, 'digest'> {
  readonly struckRank: unknown;
  readonly undisturbed: Undisturbed;
  readonly startAgain: () => Promise<string>;
}

async function strikeAndProve(
  place: Place,
  { strike, expected }: FaultRow,
  { struckRank, undisturbed, digest, startAgain }: Proof,
): Promise<readonly Incident[]> {
  const { site, run, iterations } = place;
  const last = lastRank(place);
  const slow: SlowHost[] = [];
  const ending = follow(site.client, run, async (status) => void slow.push(...(status.slow ?? [])));
  // Awaited below; when the strike fails first, that is what is told.
  ending.catch(() => undefined);
  if (strike !== undefined) await STRIKES[strike.name](place, await awaitMoment(place, strike.at));
  // A server that lost its database ends the first look; the run that was recovered has the same name.
  const status = await ending.catch(() => follow(site.client, run));
  const incidents = await readIncidents(site.workspace, run);
  await expectOutcome(site, status, incidents, expected);
  if (expected.slow !== undefined) {
    const told = [...slow, ...incidents.flatMap((incident) => incident.slow ?? [])];
    await expectSlow(site, run, told, { says: expected.slow, rank: struckRank, shape: place });
  }
  await site.repair();
  const wasPowerLost = expected.areMetricsLost === true;
  await expectNothingLeft(site, run, { wasPowerLost, wasTerminated: expected.end === 'terminated' });
  const whole = status.state === 'done' ? status : await goOn(place, status, startAgain);
  expect(whole.result?.facts['train']).toMatchObject({ iterations });
  await expectWholeCurve(site, run, last, { undisturbed: undisturbed.curve, areMetricsWhole: !wasPowerLost });
  expect(await digest(site, whole), 'the final state').toBe(undisturbed.state);
  await expectInvariantOf(site, [run]);
  await expectNoStepAgain(site, run, { lastRank: last, isDamaged: expected.refused !== undefined });
  return incidents;
}

/** A run that the fault has ended: a person takes the fault away, and it goes on in one more attempt to its end. */
async function goOn({ site, run }: Place, ended: RunStatus, startAgain: () => Promise<string>): Promise<RunStatus> {
  const before = await allAttempts(site.workspace, run);
  if (ended.closedAt === null) {
    expect((await getFleet(site.client, ended.fleet ?? '')).leases, 'leases of a blocked run').toEqual([]);
    await writeFaults(site, run, []);
    await resumeRun(site.client, run, { set: [], from: null });
  } else {
    expect(await startAgain()).toBe(run);
  }
  const status = await follow(site.client, run);
  expect(status.state, JSON.stringify(status.problem)).toBe('done');
  expect(await allAttempts(site.workspace, run), 'attempts').toHaveLength(before.length + 1);
  await expectNothingLeft(site, run);
  return status;
}

/** A row that failed leaves no run that wants the hosts of the next. */
async function abandon(site: FaultSite, run: string): Promise<void> {
  try {
    await site.repair();
    await cancelRun(site.client, run);
    await follow(site.client, run);
  } catch (error) {
    process.stdout.write(`${run} could not be cleared away: ${String(error)}\n`);
  }
}

/** Kinds that strike before there are iterations. */
const AT_START = ['bad-argument', 'ignore-term', 'missing-keys', 'port-taken'];

/** The fields that a row leaves to the seed. */
function chosen(
  { isLasting = false, ...fault }: InnerFault,
  marker: string,
  shape: Shape,
  random: Random,
): Readonly<Record<string, unknown>> {
  return {
    rank: random.between(0, lastRank(shape)),
    iteration: AT_START.includes(fault.kind) ? 0 : someIteration(shape, random),
    ...fault,
    ...(isLasting ? {} : { once: marker }),
  };
}

async function expectOutcome(
  site: FaultSite,
  status: RunStatus,
  incidents: readonly Incident[],
  expected: Expected,
): Promise<void> {
  const told = incidents.map(({ verdict, reaction }) => [verdict.cause, reaction]);
  const wanted = expected.incidents.map(([causes, reaction]) => [
    typeof causes === 'string' ? causes : expect.toBeOneOf([...causes]),
    reaction,
  ]);
  expect(told, JSON.stringify({ problem: status.problem, incidents }, null, 1)).toEqual(wanted);
  expect(status.state, JSON.stringify(status.problem)).toBe(expected.end);
  const attempts = await allAttempts(site.workspace, status.run);
  expect(attempts.length, 'attempts').toBe(expected.attempts);
  const launched = new Set(trainingKeepers(site, status.run).map(({ attempt }) => attempt));
  expect(launched.size, 'attempts that were launched').toBe(expected.launches ?? expected.attempts);
  if (expected.refused !== undefined) expect(attempts.at(-1)?.refused.join('\n')).toMatch(expected.refused);
  if (expected.says !== undefined) expect(JSON.stringify(status.problem)).toMatch(expected.says);
  for (const [index, incident] of incidents.entries()) expectRecord(incident, index === incidents.length - 1);
}

/** An incident tells what it rests on, and how long each part of the answer took. */
function expectRecord(incident: Incident, isLast: boolean): void {
  const { verdict, reaction } = incident;
  expect(verdict.sentence.length).toBeGreaterThan(10);
  expect(incident.stopMs).toBeGreaterThanOrEqual(0);
  if (reaction === 'stop') return;
  expect(incident.resumedFrom).not.toBeNull();
  expect(incident.relaunchMs).toBeGreaterThanOrEqual(0);
  const { lastIteration, resumedFrom, stepsLost } = incident;
  expect(stepsLost).toBe(lastIteration === null ? null : Math.max(0, lastIteration - (resumedFrom ?? 0)));
  if (!isLast) return;
  expect(incident.detectMs ?? 0).toBeGreaterThanOrEqual(0);
}

/** The host that the others waited for was named, with what shows it. */
async function expectSlow(
  site: FaultSite,
  run: string,
  told: readonly SlowHost[],
  { says, rank, shape }: { readonly says: RegExp; readonly rank: unknown; readonly shape: Shape },
): Promise<void> {
  const [attempt] = await allAttempts(site.workspace, run);
  const known = typeof rank === 'number' ? { rank, host: attempt?.hosts[Math.floor(rank / shape.ranksPerNode)] } : {};
  expect(told).toContainEqual(expect.objectContaining({ ...known, sentence: expect.stringMatching(says) }));
}
