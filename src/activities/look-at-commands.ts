import { randomUUID } from 'node:crypto';
import { getClient } from '@temporalio/activity';
import { hostQueue } from '../domain/ids.js';
import { inParallel } from '../domain/in-parallel.js';
import { listKeepers } from '../host/keeper/client.js';
import { isEnded } from '../host/keeper/is-ended.js';
import { RunningRunsSchema, type RunningRuns } from '../schemas/host-call.js';
import type { StageHost } from './stage-host.js';

/** A live worker takes a call at once. */
const ANSWER_MS = 5_000;

/** What the hosts of a fleet run. */
export interface Commands {
  /** A host that runs a command of the run, by run. */
  readonly running: ReadonlyMap<string, string>;
  /** Hosts that do not answer: what they run is not known. */
  readonly silent: readonly string[];
}

/** Asks all hosts of a fleet at once. */
export async function lookAtCommands(host: StageHost, fleet: string, names: readonly string[]): Promise<Commands> {
  const isHere = (name: string): boolean => fleet === host.fleet && name === host.name;
  const answers = await inParallel(names, async (name) => ({
    name,
    answer: isHere(name) ? await runningRuns(host) : await ask(fleet, name),
  }));
  return {
    running: new Map(answers.flatMap(({ name, answer }) => (answer?.runs ?? []).map((run) => [run, name] as const))),
    silent: answers.filter(({ answer }) => answer === null).map(({ name }) => name),
  };
}

/** Runs of which a command runs on this host, or may: its keeper was killed. */
export async function runningRuns({ name, scratch }: StageHost): Promise<RunningRuns> {
  const runs = new Set<string>();
  for (const { id, paths } of listKeepers(scratch)) {
    const [run = ''] = id.split('.');
    if (!runs.has(run) && !(await isEnded(paths))) runs.add(run);
  }
  return { v: 1, host: name, runs: [...runs] };
}

async function ask(fleet: string, name: string): Promise<RunningRuns | null> {
  try {
    const answer: unknown = await getClient().activity.execute('callHost', {
      id: `call/${randomUUID()}`,
      taskQueue: hostQueue(fleet, name, 'ctl'),
      args: [{ v: 1, op: 'runningRuns' }],
      scheduleToStartTimeout: ANSWER_MS,
      scheduleToCloseTimeout: 2 * ANSWER_MS,
      retry: { maximumAttempts: 1 },
    });
    return RunningRunsSchema.parse(answer);
  } catch {
    // Not reached, or a worker of an older Temper that does not know the call: what it runs is not known.
    return null;
  }
}
