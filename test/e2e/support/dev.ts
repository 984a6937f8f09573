import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, readDevState, type TemperClient } from '../../../src/client/connect.js';
import { getFleet } from '../../../src/client/fleet.js';
import { LOCAL_TIMING } from '../../../src/domain/timing.js';
import { stopAll } from '../../../src/host/keeper/stop-all.js';
import type { DevState } from '../../../src/schemas/dev.js';
import { spawnDev } from '../../support/temper-dev.js';

const HOSTS = ['laptop-1', 'laptop-2'];

/** A real `temper dev` in a folder of its own. */
export interface Dev {
  readonly home: string;
  readonly client: TemperClient;
  state(): Promise<DevState>;
  /** SIGKILL to one of its processes: `server`, `control` or `host:<name>`; resolves when another one replaced it. */
  kill(role: string): Promise<void>;
  /** Ctrl-C, as a user would end it; answers the exit status. */
  interrupt(): Promise<number | null>;
  stop(): Promise<void>;
}

/** Starts `temper dev` and waits until its hosts have registered; `env`: more variables of all that it starts. */
export async function startDev(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<Dev> {
  const home = await mkdtemp(join(tmpdir(), 'temper-e2e-'));
  const { child, said } = spawnDev(home, args, env);
  const describe = (): string => said().slice(-8_000);
  const given = args.indexOf('--hosts');
  const hosts = given < 0 ? HOSTS.length : Number(args[given + 1]);
  try {
    const state = await waitFor('dev.json', async () => readDevState(home), describe);
    const client = await waitFor('the server', async () => connectTo(state).catch(() => null), describe);
    await waitFor(
      'the hosts',
      async () => ((await getFleet(client, 'default').catch(() => null))?.hosts.length === hosts ? true : null),
      describe,
    );
    return {
      home,
      client,
      state: () => waitFor('dev.json', async () => readDevState(home)),
      kill: (role) => killRole(home, role),
      interrupt: () => end(child, 'SIGINT'),
      stop: async () => {
        await client.close();
        await end(child, 'SIGTERM');
        await removeHome(home);
      },
    };
  } catch (error) {
    await end(child, 'SIGTERM');
    await removeHome(home);
    throw error;
  }
}

/** Waits for a condition to give a value; fails with what was last seen after `limitMs`. */
export async function waitFor<T>(
  what: string,
  look: () => Promise<T | null>,
  describe: () => string = () => '',
  limitMs = 60_000,
): Promise<T> {
  const until = Date.now() + limitMs;
  for (;;) {
    const value = await look();
    if (value !== null) return value;
    if (Date.now() > until) throw new Error(`waited ${limitMs} ms for ${what}\n${describe()}`);
    await sleep(50);
  }
}

/** A client with the timers of `temper dev`. */
async function connectTo(state: DevState): Promise<TemperClient> {
  const client = await connect({ address: state.address, namespace: state.namespace });
  return { ...client, target: { ...client.target, timing: LOCAL_TIMING } };
}

async function killRole(home: string, role: string): Promise<void> {
  const old = await processOf(home, role);
  process.kill(old, 'SIGKILL');
  await waitFor(`another ${role}`, async () => {
    const pid = await processOf(home, role).catch(() => old);
    return pid === old ? null : pid;
  });
}

async function processOf(home: string, role: string): Promise<number> {
  const state = JSON.parse(await readFile(join(home, 'dev.json'), 'utf8')) as DevState;
  const found = state.processes.find((one) => one.role === role);
  if (found === undefined) throw new Error(`dev.json names no ${role}`);
  return found.pid;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  }
  return child.exitCode;
}

async function removeHome(home: string): Promise<void> {
  for (const host of await readdir(join(home, 'hosts')).catch(() => []))
    await stopAll(join(home, 'hosts', host), { reason: 'end of the test', graceMs: 0 });
  await rm(home, { recursive: true, force: true });
}
