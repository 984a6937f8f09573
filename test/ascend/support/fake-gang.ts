import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { rankLogPath } from '../../../src/host/keeper/paths.js';
import { TrainingLog, type TrainingReading } from '../../../src/host/run/training-log.js';
import { writeFiles } from '../../../src/host/write-files.js';
import { glm45v } from '../../../src/recipes/mindspeed-mm/recipe.js';
import type { LaunchFacts, StageFacts } from '../../../src/recipes/recipe.js';
import { freePort } from '../../support/ports.js';
import { findUsers, killUsers } from '../../support/sweep.js';
import { HOSTS, NPUS, type FakeSite } from './fake-site.js';

/** A training that has ended, by itself or because one host failed. */
export interface Trained {
  readonly save: string;
  /** Exit statuses of torchrun; null where it was ended because another host had failed. */
  readonly statuses: readonly (number | null)[];
  /** What Temper reads in the logs that tell: those of the first and the last rank. */
  readonly reading: TrainingReading;
  readonly iterations: readonly { readonly iteration: number; readonly loss: number | null }[];
  log(rank: number, stream: 'out' | 'err'): string;
  /** What a host's torchrun said. */
  launcher(node: number): string;
}

export interface GangOptions {
  readonly load: string;
  /** Rows and folder of images; what the data stage left, or anything else. */
  readonly data: { readonly outputs: Readonly<Record<string, string>>; readonly facts?: object };
  readonly hf: string;
  readonly isResume?: boolean;
  /** Rows that the stage `check` counted. */
  readonly checkedRows?: number;
  /** Ends a training that waits for ever, ms after its start; statuses are then null. */
  readonly endAfterMs?: number;
  /** Changes the words of the command line, or the configuration files. */
  readonly change?: {
    readonly argv?: (argv: readonly string[], node: number) => readonly string[];
    readonly file?: (path: string, content: string) => string;
  };
}

/** What the recipe makes of the same facts, without starting it. */
export function launchOf(
  site: FakeSite,
  options: GangOptions,
  nodeRank: number,
  masterAddress = site.fleet.address,
): {
  readonly argv: readonly string[];
  readonly files: readonly { readonly path: string; readonly content: string }[];
} {
  const facts = { ...factsOf(site, options, { dir: join(site.root, 'none'), port: 6_000, nodeRank }), masterAddress };
  return { argv: glm45v.training.launch(facts).argv, files: glm45v.training.files?.(facts) ?? [] };
}

interface Place {
  readonly dir: string;
  readonly port: number;
  readonly nodeRank: number;
}

function factsOf({ spec, tools, fleet }: FakeSite, options: GangOptions, { dir, port, nodeRank }: Place): LaunchFacts {
  const { checkedRows } = options;
  const inputs: StageFacts['inputs'] = {
    data: { dir: '/', facts: {}, outputs: options.data.outputs },
    convert: { dir: '/', facts: {}, outputs: { hf: options.hf, dcp: options.load } },
    ...(checkedRows === undefined ? {} : { check: { dir: '/', facts: { rows: checkedRows }, outputs: {} } }),
  };
  return {
    ...{ spec, tools, nodeRank, nodes: HOSTS, ranksPerNode: NPUS },
    ...{ masterAddress: fleet.address, masterPort: port, address: fleet.address, networkInterface: null },
    ...{ rankLogDir: join(dir, `logs-${nodeRank}`), cacheDir: join(dir, `caches-${nodeRank}`) },
    ...{ hostDir: join(dir, `h${nodeRank}`), loadDir: options.load, saveDir: join(dir, 'ckpt') },
    ...{ isResume: options.isResume ?? false, inputs },
  };
}

let gangs = 0;

/** Starts the recipe's own launch on every host and waits for its end. */
export async function trainOn(site: FakeSite, options: GangOptions): Promise<Trained> {
  gangs += 1;
  const dir = join(site.root, `gang-${gangs}`);
  const [save, keeper] = [join(dir, 'ckpt'), join(dir, 'keeper')];
  mkdirSync(save, { recursive: true });
  const port = await freePort();
  const facts = (nodeRank: number): LaunchFacts => factsOf(site, options, { dir, port, nodeRank });
  const said: string[] = [];
  const launchers = await Promise.all(
    Array.from({ length: HOSTS }, async (_, node) => {
      const files = glm45v.training.files?.(facts(node)) ?? [];
      const change = options.change?.file ?? ((_path: string, content: string) => content);
      await writeFiles(files.map(({ path, content }) => ({ path, content: change(path, content) })));
      const { argv, cwd, env } = glm45v.training.launch(facts(node));
      const [program = '', ...words] = options.change?.argv?.(argv, node) ?? argv;
      const child = spawn(program, words, { cwd, env: { ...site.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
      child.stderr.on('data', (chunk: Buffer) => (said[node] = (said[node] ?? '') + chunk.toString()));
      return { child, ended: once(child, 'close').then(([code]: (number | null)[]) => code ?? null) };
    }),
  );
  // As upstream: torchrun does not watch other hosts, so whoever supervises them ends the others.
  const first = launchers.map(async ({ ended }) => {
    if ((await ended) === 0) return;
    for (const { child } of launchers) child.kill('SIGKILL');
    if (findUsers(dir).length > 0) await killUsers(dir);
  });
  const giveUp = setTimeout(
    () => {
      for (const { child } of launchers) child.kill('SIGKILL');
      void killUsers(dir);
    },
    options.endAfterMs ?? 2 ** 30,
  );
  await Promise.all(first);
  clearTimeout(giveUp);
  const statuses = await Promise.all(launchers.map(({ ended }) => ended));
  const logOf = (rank: number, stream: 'out' | 'err'): string => {
    const node = Math.floor(rank / NPUS);
    const logs = join(dir, `logs-${node}`);
    const [run = ''] = existsSync(logs) ? readdirSync(logs).filter((name) => name.startsWith('none_')) : [];
    return join(logs, run, 'attempt_0', String(rank % NPUS), `std${stream}.log`);
  };
  const last = HOSTS * NPUS - 1;
  for (const rank of [0, last]) {
    const kept = rankLogPath(keeper, rank, 'out');
    mkdirSync(dirname(kept), { recursive: true });
    if (existsSync(logOf(rank, 'out'))) copyFileSync(logOf(rank, 'out'), kept);
  }
  const log = new TrainingLog(keeper, [0, last], glm45v.training.log, glm45v.training.frozen?.(site.spec));
  return {
    save,
    statuses,
    reading: await log.read(),
    iterations: log.iterations,
    log: (rank, stream) => (existsSync(logOf(rank, stream)) ? readFileSync(logOf(rank, stream), 'utf8') : ''),
    launcher: (node) => said[node] ?? '',
  };
}
