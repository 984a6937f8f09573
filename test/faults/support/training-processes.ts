import { readFileSync } from 'node:fs';
import { listKeepers } from '../../../src/host/keeper/client.js';
import { readRecordFile } from '../../../src/host/keeper/files.js';
import type { KeeperHandle } from '../../../src/host/keeper/handle.js';
import { rankLogPath } from '../../../src/host/keeper/paths.js';
import { listProcesses } from '../../../src/host/processes/proc.js';
import type { FaultSite } from './fault-site.js';

/** The processes of one host's part of an attempt. */
export interface NodeProcesses {
  readonly host: string;
  readonly handle: KeeperHandle;
  readonly attempt: number;
  readonly nodeRank: number;
  readonly keeper: number;
  readonly launcher: number;
  /** Pids by global rank. */
  readonly ranks: ReadonlyMap<number, number>;
}

/** Keepers of a run's training, by host, with attempt and node rank as their ids tell them. */
export function trainingKeepers(
  site: FaultSite,
  run: string,
): readonly {
  readonly host: string;
  readonly handle: KeeperHandle;
  readonly attempt: number;
  readonly nodeRank: number;
}[] {
  return site.hosts.flatMap(({ name, scratch }) =>
    listKeepers(scratch).flatMap((handle) => {
      const [, node, attempt] = /\.train\.h(\d+)\.(\d+)-/.exec(handle.id) ?? [];
      if (!handle.id.startsWith(`${run}.train.`) || attempt === undefined) return [];
      return [{ host: name, handle, attempt: Number(attempt), nodeRank: Number(node) }];
    }),
  );
}

/** The running processes of an attempt, by node rank; those that are not up yet are missing. */
export function nodesOfAttempt(site: FaultSite, run: string, attempt: number): readonly NodeProcesses[] {
  const all = listProcesses().filter(({ isAlive }) => isAlive);
  return trainingKeepers(site, run)
    .filter((one) => one.attempt === attempt)
    .flatMap((one) => {
      const record = readRecordFile(one.handle.paths);
      if (record === null || record.child === null) return [];
      const launcher = record.child.pid;
      const ranks = all
        .filter(({ ppid }) => ppid === launcher)
        .flatMap(({ pid }) => {
          const rank = environmentOf(pid).get('RANK');
          return rank === undefined ? [] : [[Number(rank), pid] as const];
        });
      return [{ ...one, keeper: record.keeper.pid, launcher, ranks: new Map(ranks) }];
    })
    .sort((a, b) => a.nodeRank - b.nodeRank);
}

/** What a rank of an attempt has logged so far. */
export function rankLog(site: FaultSite, run: string, attempt: number, rank: number, stream: 'out' | 'err'): string {
  return trainingKeepers(site, run)
    .filter((one) => one.attempt === attempt)
    .map(({ handle }) => textOf(rankLogPath(handle.paths.dir, rank, stream)))
    .join('');
}

/** The newest iteration that an attempt has logged; 0 before the first. Only the last rank logs iterations. */
export function loggedIteration(site: FaultSite, run: string, attempt: number, lastRank: number): number {
  const text = rankLog(site, run, attempt, lastRank, 'out');
  return Number([...text.matchAll(/ iteration +(\d+)\//g)].at(-1)?.[1] ?? 0);
}

/** Living processes that belong to keepers of a run, whichever. */
export function processesOfRun(run: string): readonly { readonly pid: number; readonly command: string }[] {
  return listProcesses().flatMap(({ pid, isAlive }) => {
    if (!isAlive || !(environmentOf(pid).get('TEMPER_KEEPER_ID') ?? '').startsWith(`${run}.`)) return [];
    return [{ pid, command: textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim() }];
  });
}

function environmentOf(pid: number): ReadonlyMap<string, string> {
  return new Map(
    textOf(`/proc/${pid}/environ`)
      .split('\0')
      .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)] as const),
  );
}

/** Empty for what is gone. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
