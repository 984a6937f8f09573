import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { DEV_FLEET } from './layout.js';
import type { DevLayout } from './layout.js';
import type { ServiceSpec } from './service.js';

/** How the workers of `temper dev` are started. */
export interface WorkerOptions {
  readonly root: string;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** Address that the hosts announce for training; null: the loopback one. */
  readonly trainAddress: string | null;
}

/** The control worker and one worker per host, each a process of its own with its own log. */
export function workerSpecs(layout: DevLayout, { root, env, trainAddress }: WorkerOptions): readonly ServiceSpec[] {
  const spec = (role: string, log: string, args: readonly string[]): ServiceSpec => ({
    role,
    command: process.execPath,
    args: [join(root, 'bin/temper.js'), 'worker', '--fleet', DEV_FLEET, ...args],
    cwd: root,
    env,
    logFile: join(layout.logs, `${log}.log`),
    isStdoutLogged: true,
  });
  const address = trainAddress === null ? [] : ['--train-address', trainAddress];
  return [
    spec('control', 'control', ['--role', 'control']),
    ...layout.hosts.map(({ name, scratch }) =>
      spec(`host:${name}`, `host-${name}`, ['--role', 'host', '--name', name, '--scratch', scratch, ...address]),
    ),
  ];
}

/**
 * The environment of everything that dev starts: ours, without the person's settings for other Temporal servers,
 * which would send the workers there, and with the marker and home of this dev.
 */
export function serviceEnvironment(
  own: Readonly<NodeJS.ProcessEnv>,
  { home, emptyProfile }: DevLayout,
  marker: Readonly<Record<string, string>>,
): Readonly<NodeJS.ProcessEnv> {
  const kept = Object.entries(own).filter(([name]) => !name.startsWith('TEMPORAL_'));
  // The person's temporal.toml is read even when no variable names it, and an empty file is refused by the SDK.
  writeFileAtomic.sync(emptyProfile, '[profile.default]\n', { mode: 0o600 });
  return { ...Object.fromEntries(kept), ...marker, TEMPER_HOME: home, TEMPORAL_CONFIG_FILE: emptyProfile };
}
