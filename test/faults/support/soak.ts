import { waitFor } from '../../e2e/support/dev.js';
import type { Cause } from '../../../src/schemas/incident.js';
import { allUp, lastRank, type Place } from './moments.js';
import { STRIKES, type StrikeName } from './strikes.js';
import { loggedIteration, rankLog } from './training-processes.js';

/** A fault of a soak, and what it must be taken for; cause null: nothing may come of it. */
export interface Disturbance {
  readonly strike: StrikeName;
  readonly iteration: number;
  readonly cause: Cause | null;
  readonly nextAttempt: number;
}

const CHOICES: readonly { readonly strike: StrikeName; readonly cause: Cause | null }[] = [
  { strike: 'killRank', cause: 'rank-killed' },
  { strike: 'killAllRanks', cause: 'rank-killed' },
  { strike: 'stopRank', cause: 'stalled' },
  { strike: 'killLauncher', cause: 'rank-killed' },
  { strike: 'killKeeper', cause: 'keeper-lost' },
  { strike: 'losePower', cause: 'host-lost' },
  { strike: 'killWorker', cause: null },
  { strike: 'endWorker', cause: null },
  { strike: 'killControl', cause: null },
  { strike: 'killServer', cause: null },
];

/** Iterations from where an attempt began to its next fault: at least one new checkpoint, so that budgets are full. */
const FIRST = 25;
const LAST = 40;

/** Strikes the running attempt at random, and returns when the training is past the fault. */
export async function disturb(place: Place): Promise<Disturbance> {
  const { site, run, random, attempt } = place;
  const { strike, cause } = random.pick(CHOICES);
  const nodes = await allUp(place);
  const logged = (): number => loggedIteration(site, run, attempt, lastRank(place));
  await waitFor('a first iteration', async () => (logged() > 0 ? true : null), undefined, 90_000);
  const first = Number(/ iteration +(\d+)\//.exec(rankLog(site, run, attempt, lastRank(place), 'out'))?.[1] ?? 0);
  const from = cause === null ? first : Math.max(first, logged());
  const wanted = from + random.between(FIRST, LAST);
  await waitFor(`iteration ${wanted}`, async () => (logged() >= wanted ? true : null), undefined, 90_000);
  const iteration = logged();
  await STRIKES[strike](place, nodes);
  if (cause === null) return { strike, iteration, cause, nextAttempt: attempt };
  const nextAttempt = attempt + 1;
  await allUp({ ...place, attempt: nextAttempt });
  await site.startHosts();
  return { strike, iteration, cause, nextAttempt };
}
