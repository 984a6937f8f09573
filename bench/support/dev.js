import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const ROOT = resolve(import.meta.dirname, '../..');
const HOSTS = 2;

const { readDevState, connect } = await import(`${ROOT}/dist/client/connect.js`);
const { getFleet } = await import(`${ROOT}/dist/client/fleet.js`);
const { LOCAL_TIMING } = await import(`${ROOT}/dist/domain/timing.js`);

/** A `temper dev` of the build with its state in a temporary folder, and a client of it, while `work` runs. */
export async function withDev(work) {
  const home = mkdtempSync(join(tmpdir(), 'temper-bench-'));
  const dev = spawn(process.execPath, [join(ROOT, 'bin/temper.js'), 'dev'], {
    cwd: ROOT,
    env: {
      ...process.env,
      TEMPER_HOME: home,
      TEMPER_PYTHON: process.env.TEMPER_PYTHON ?? join(ROOT, '.temper/venv/bin/python'),
      TEMPER_TEMPORAL_CLI: process.env.TEMPER_TEMPORAL_CLI ?? join(ROOT, '.temper/venv/bin/temporal'),
    },
    stdio: 'ignore',
  });
  let client = null;
  try {
    client = await ready(home);
    await work({ home, client });
  } finally {
    await client?.close();
    if (dev.exitCode === null) {
      const exit = once(dev, 'exit');
      dev.kill('SIGTERM');
      await exit;
    }
    rmSync(home, { recursive: true, force: true });
  }
}

async function ready(home) {
  for (let tries = 0; tries < 600; tries += 1) {
    const state = await readDevState(home);
    if (state !== null) {
      const client = await connect({ address: state.address, namespace: state.namespace }).catch(() => null);
      const hosts = client === null ? 0 : ((await getFleet(client, 'default').catch(() => null))?.hosts.length ?? 0);
      if (hosts === HOSTS) return { ...client, target: { ...client.target, timing: LOCAL_TIMING } };
      await client?.close();
    }
    await sleep(200);
  }
  throw new Error('temper dev did not come up');
}
