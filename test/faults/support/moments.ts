import { getFleet } from '../../../src/client/fleet.js';
import { getRunStatus } from '../../../src/client/runs.js';
import { waitFor } from '../../e2e/support/dev.js';
import type { FaultSite } from './fault-site.js';
import type { Random } from './random.js';
import type { Moment } from './row.js';
import { loggedIteration, nodesOfAttempt, rankLog, type NodeProcesses } from './training-processes.js';
import { FLEET } from './worker-command.js';

/** What a training of a row looks like. */
export interface Shape {
  readonly nodes: number;
  readonly ranksPerNode: number;
  readonly iterations: number;
  /** Iterations between two checkpoints. */
  readonly every: number;
}

export interface Place extends Shape {
  readonly site: FaultSite;
  readonly run: string;
  readonly random: Random;
  /** The attempt that is struck. */
  readonly attempt: number;
}

/** Rank that logs iterations. */
export function lastRank({ nodes, ranksPerNode }: Shape): number {
  return nodes * ranksPerNode - 1;
}

/** An iteration after the first checkpoint and before the last but one, or soon after the first. */
export function someIteration({ iterations, every }: Shape, random: Random, isEarly = false): number {
  return random.between(every + 1, isEarly ? every + Math.ceil(every / 2) : iterations - 2 * every);
}

/** Waits until the attempt is at a moment; answers its processes. */
export async function awaitMoment(place: Place, at: Moment): Promise<readonly NodeProcesses[]> {
  const { site, run, random, attempt } = place;
  const nodes = await allUp(place);
  if (at === 'start') return nodes;
  const iteration = someIteration(place, random, at === 'early');
  await waitFor(
    `iteration ${iteration} of ${run}`,
    async () => (loggedIteration(site, run, attempt, lastRank(place)) >= iteration ? true : null),
    () => rankLog(site, run, attempt, 0, 'err'),
    90_000,
  );
  return nodes;
}

/** Waits until all ranks of the attempt run. */
export function allUp(place: Place): Promise<readonly NodeProcesses[]> {
  const { site, run, nodes, ranksPerNode, attempt } = place;
  let said = '';
  return waitFor(
    `attempt ${attempt} of ${run}`,
    async () => {
      const up = nodesOfAttempt(site, run, attempt);
      // A server that was just killed does not answer at once; that is what may be told, not a failure.
      const status = await getRunStatus(site.client, run).catch(String);
      const fleet = await getFleet(site.client, FLEET).catch(String);
      said = JSON.stringify({ status, fleet });
      return up.length === nodes && up.every(({ ranks }) => ranks.size === ranksPerNode) ? up : null;
    },
    () => `${site.hosts.map(({ worker }) => worker.tail()).join('\n')}\n${said}`,
    90_000,
  );
}
