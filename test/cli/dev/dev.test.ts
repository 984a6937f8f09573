import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readProcess } from '../../../src/host/processes/proc.js';
import type { DevState } from '../../../src/schemas/dev.js';
import { expectNoLeftovers } from '../../support/sweep.js';
import { devStateOf, spawnDev } from '../../support/temper-dev.js';
import type { DevProcess } from '../../support/temper-dev.js';

const START_LIMIT_MS = 30_000;
const ROLES = ['dev', 'server', 'control', 'host:laptop-1', 'host:laptop-2'];

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'temper-dev-'));
});
afterEach(async () => {
  await expectNoLeftovers(home);
  rmSync(home, { recursive: true });
});

/** Starts dev and waits until it serves. */
async function serving(): Promise<{ readonly dev: DevProcess; readonly state: DevState }> {
  const dev = spawnDev(home);
  await vi.waitFor(() => expect(dev.said()).toMatch(/serving/), START_LIMIT_MS);
  const state = devStateOf(home);
  if (state === null) throw new Error(`no dev.json although it serves:\n${dev.said()}`);
  return { dev, state };
}
/** A zombie has ended: whoever inherited it has not looked yet. */
function isAlive({ pid, startTicks }: DevState['processes'][number]): boolean {
  const found = readProcess(pid);
  return found !== null && found.isAlive && found.startTicks === startTicks;
}

describe('temper dev', () => {
  it('serves, refuses a second one by name, and leaves nothing after SIGTERM', { timeout: 120_000 }, async () => {
    const { dev, state } = await serving();
    expect(state.processes.map(({ role }) => role)).toEqual(ROLES);
    expect((await fetch(state.uiUrl)).status).toBe(200);

    const second = spawnDev(home);
    await expect(second.ended).resolves.toBe(2);
    expect(second.said()).toContain(`runs here already (process ${dev.child.pid}, ${state.uiUrl})`);
    expect(state.processes.every(isAlive)).toBe(true);

    dev.child.kill('SIGTERM');
    await expect(dev.ended).resolves.toBe(0);
    expect(state.processes.some(isAlive)).toBe(false);
    expect(devStateOf(home)).toBeNull();
  });

  it('replaces what was killed with -9, on the same address', { timeout: 120_000 }, async () => {
    const { dev, state } = await serving();
    const victims = state.processes.filter(({ role }) => role !== 'dev');
    for (const { pid } of victims) process.kill(pid, 'SIGKILL');
    await vi.waitFor(() => {
      const fresh = devStateOf(home);
      expect(fresh?.address).toBe(state.address);
      expect(fresh?.processes.map(({ role }) => role)).toEqual(ROLES);
      expect(fresh?.processes.filter(({ pid }) => victims.some((victim) => victim.pid === pid))).toEqual([]);
    }, START_LIMIT_MS);
    dev.child.kill('SIGINT');
    await expect(dev.ended).resolves.toBe(0);
  });

  it('cleans up after one that was killed with -9', { timeout: 120_000 }, async () => {
    const lost = await serving();
    lost.dev.child.kill('SIGKILL');
    await expect(lost.dev.ended).resolves.toBe('SIGKILL');
    const left = lost.state.processes.filter(({ role }) => role !== 'dev');
    expect(left.every(isAlive)).toBe(true);

    const next = await serving();
    expect(next.dev.said()).toMatch(/ending 8 processes of an earlier temper dev/);
    expect(left.some(isAlive)).toBe(false);
    next.dev.child.kill('SIGTERM');
    await expect(next.dev.ended).resolves.toBe(0);
  });

  it('starts nothing for a spec that is wrong', { timeout: 60_000 }, async () => {
    const dev = spawnDev(home, ['--run', join(home, 'absent.yaml')]);
    await expect(dev.ended).resolves.toBe(2);
    expect(dev.said()).toContain('absent.yaml');
    expect(devStateOf(home)).toBeNull();
  });
});
