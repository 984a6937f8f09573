import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostCall } from '../../../src/client/host-call.js';
import { startRun, watchRun } from '../../../src/client/runs.js';
import type { TemperClient } from '../../../src/client/connect.js';
import type { KeptCommandRecord } from '../../../src/schemas/host-call.js';
import type { StageName } from '../../../src/schemas/plan.js';
import type { RunStatus } from '../../../src/schemas/run.js';
import { rankLogPath } from '../../../src/host/keeper/paths.js';
import { listKeepers } from '../../../src/host/keeper/client.js';
import { hasEnvironmentEntry, listProcesses } from '../../../src/host/processes/proc.js';
import type { Dev } from './dev.js';

/** Starts a run of a spec text that has absolute paths. */
export async function start(client: TemperClient, specText: string, until: StageName | null = null): Promise<string> {
  const { run } = await startRun(client, { specText, file: '/spec.yaml', run: null, isNew: false, from: null, until });
  return run;
}

/** Follows a run to its end or until it blocks, telling every status; survives a server that is away for a while. */
export async function follow(
  client: TemperClient,
  run: string,
  onStatus: (status: RunStatus) => Promise<void> = async () => undefined,
): Promise<RunStatus> {
  let last: RunStatus | null = null;
  for (;;) {
    try {
      for await (const status of watchRun(client, run, { pollMs: 100 })) {
        last = status;
        await onStatus(status);
      }
      if (last === null) throw new Error(`run ${run} told no status`);
      return last;
    } catch (error) {
      if (!isServerAway(error)) throw error;
    }
  }
}

/** The commands that ran for a run on all hosts, from the keepers' own records. */
export async function keptCommands(dev: Dev, run: string): Promise<KeptCommandRecord[]> {
  const answers = await Promise.all(
    ['laptop-1', 'laptop-2'].map((host) => hostCall(dev.client, 'default', host, { v: 1, op: 'keepers', run })),
  );
  return answers.flatMap((answer) => (answer as { commands: KeptCommandRecord[] }).commands);
}

/** Pids of the ranks of a run's training: the processes under torchrun that carry its keeper's mark. */
export function rankPids(dev: Pick<Dev, 'home'>, run: string): number[] {
  const hosts = readdirSync(join(dev.home, 'hosts')).map((host) => join(dev.home, 'hosts', host));
  const processes = listProcesses();
  const ids = hosts
    .flatMap((scratch) => listKeepers(scratch).map(({ id }) => id))
    .filter((id) => id.startsWith(`${run}.train.h`));
  const marked = processes.filter(({ pid }) => ids.some((id) => hasEnvironmentEntry(pid, `TEMPER_KEEPER_ID=${id}`)));
  const parents = new Set(marked.map(({ ppid }) => ppid));
  // torchrun is a parent of ranks; ranks have no marked children of their own here.
  return marked
    .filter(({ pid, ppid }) => !parents.has(pid) && marked.some((other) => other.pid === ppid))
    .map(({ pid }) => pid);
}

/** The newest iteration that the last rank of an attempt of a run has logged; 0 before the first. */
export function loggedIteration(
  dev: Pick<Dev, 'home'>,
  run: string,
  { attempt = 1, lastRank = 1 }: { readonly attempt?: number; readonly lastRank?: number } = {},
): number {
  const scratch = join(dev.home, 'hosts', 'laptop-2');
  const keeper = listKeepers(scratch).find(({ id }) => id.startsWith(`${run}.train.h01.${attempt}-`));
  if (keeper === undefined) return 0;
  const path = rankLogPath(keeper.paths.dir, lastRank, 'out');
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  return Number([...text.matchAll(/ iteration +(\d+)\//g)].at(-1)?.[1] ?? 0);
}

/** Where a run's exported model lies. */
export function exportDir(workspace: string, run: string): string {
  return join(workspace, 'runs', run, 'export', 'hf');
}

function isServerAway(error: unknown): boolean {
  return (
    error instanceof Error &&
    /UNAVAILABLE|connect|DEADLINE|dropped|14 /i.test(`${error.message} ${String(error.cause)}`)
  );
}
