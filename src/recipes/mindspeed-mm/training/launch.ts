import { join } from 'node:path';
import { TemperError } from '../../../domain/errors.js';
import { isOwnMachine } from '../../../domain/own-machine.js';
import type { LaunchReasons } from '../../recipe.js';
import { CONFIG_FILES, ENTRY, launcherArguments, toWords, trainingArguments } from './arguments.js';
import { dataFile } from './data-file.js';
import { trainingEnvironment } from './environment.js';
import type { TrainingFacts } from './facts.js';
import { modelFile } from './model-file.js';
import { shardingFile } from './sharding-file.js';

/** One host's part of a training: what is started where, and the files that it reads. */
export interface TrainingLaunch {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly files: readonly { readonly path: string; readonly content: string }[];
}

/** Makes a host's part of the training from its facts; refuses what would only hang. */
export function trainingLaunch(facts: TrainingFacts, python: string): TrainingLaunch {
  assertReachable(facts);
  return {
    argv: [
      ...[python, '-m', 'torch.distributed.run', ...toWords(launcherArguments(facts))],
      ...[ENTRY, ...toWords(trainingArguments(facts))],
    ],
    cwd: facts.folders.checkout,
    env: Object.fromEntries(trainingEnvironment(facts).map(({ name, value }) => [name, value])),
    files: configFiles(facts),
  };
}

/** The three configuration files of a host. */
export function configFiles(facts: TrainingFacts): TrainingLaunch['files'] {
  const file = (name: keyof typeof CONFIG_FILES, content: string) => ({
    path: join(facts.folders.config, CONFIG_FILES[name]),
    content,
  });
  return [
    file('data', toJson(dataFile(facts))),
    file('model', toJson(modelFile(facts))),
    file('sharding', shardingFile()),
  ];
}

/** Why each argument and variable is what it is. */
export function launchReasons(facts: TrainingFacts): LaunchReasons {
  const all = [...launcherArguments(facts), ...trainingArguments(facts)];
  return {
    arguments: Object.fromEntries(all.map(({ flag, reason }) => [flag, reason])),
    env: Object.fromEntries(trainingEnvironment(facts).map(({ name, reason }) => [name, reason])),
  };
}

/** Ports that are tried on rank 0's host: the example's, then its neighbours; a single host has a port of its own. */
export function masterPorts(hosts: number): readonly number[] {
  const first = hosts === 1 ? 29_501 : 6_000;
  return Array.from({ length: 16 }, (_, offset) => first + offset);
}

/** With several hosts, "localhost" is another machine for each of them. */
function assertReachable({ nodes, masterAddress }: TrainingFacts): void {
  if (nodes === 1 || !isOwnMachine(masterAddress)) return;
  throw new TemperError('TrainingFailed', {
    where: masterAddress,
    what: `${nodes} hosts cannot meet at ${masterAddress}`,
    why: 'it means the own machine on each of them, so all but the first would wait until the connection times out',
    fix: 'start the host workers with --train-address IP, the address of the training network, then temper resume RUN; in temper render: --host NAME=IP',
  });
}

function toJson(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
