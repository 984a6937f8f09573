import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startService } from '../../../src/cli/dev/service.js';
import type { Service } from '../../../src/cli/dev/service.js';
import { readProcess } from '../../../src/host/processes/proc.js';
import { expectNoLeftovers } from '../../support/sweep.js';

let folder: string;
let told: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'temper-service-'));
  told = [];
});
afterEach(async () => {
  await expectNoLeftovers(folder);
  rmSync(folder, { recursive: true });
});

/** A service that runs a program text in Node; its working folder makes it ours for the sweep. */
function start(program: string, command = process.execPath, onChange: () => void = () => undefined): Service {
  const logFile = join(folder, 'log');
  return startService(
    {
      role: 'worker',
      command,
      args: ['-e', program],
      cwd: folder,
      env: { PATH: process.env['PATH'] },
      logFile,
      isStdoutLogged: true,
    },
    { onChange, tell: (text) => told.push(text) },
  );
}
const pidOf = (service: Service): number => service.current()?.pid ?? 0;
const now = (): number => performance.now();

describe('startService', () => {
  it('starts the program in a session of its own and keeps its output', async () => {
    const service = start('console.log("hello"); console.error("there"); setInterval(() => {}, 1000)');
    await vi.waitFor(() => expect(readFileSync(join(folder, 'log'), 'utf8')).toBe('hello\nthere\n'), 5_000);
    expect(readProcess(pidOf(service))?.session).toBe(pidOf(service));
    await expect(service.stop(() => now() + 5_000)).resolves.toEqual([]);
  });

  it('starts it again after kill -9 and tells so', async () => {
    let changes = 0;
    const service = start('setInterval(() => {}, 1000)', process.execPath, () => (changes += 1));
    const first = pidOf(service);
    process.kill(first, 'SIGKILL');
    await vi.waitFor(() => expect([0, first]).not.toContain(pidOf(service)), 5_000);
    expect(told).toEqual([expect.stringMatching(/^worker ended \(SIGKILL\) and is started again/)]);
    expect(changes).toBe(3);
    await service.stop(() => now() + 5_000);
  });

  it('waits longer and longer while the program keeps failing', async () => {
    const service = start('process.exit(3)');
    await vi.waitFor(() => expect(told.length).toBeGreaterThanOrEqual(3), 10_000);
    await service.stop(now);
    const pauses = told.map((text) => Number(/again in ([\d.]+) s/.exec(text)?.[1]));
    expect(pauses.slice(0, 3)).toEqual([0.4, 0.8, 1.6]);
    expect(service.lastEnd()).toBe('exit status 3');
  });

  it('tells a program that cannot be started instead of failing itself', async () => {
    const service = start('', join(folder, 'absent'));
    await vi.waitFor(() => expect(service.lastEnd()).toMatch(/ENOENT/), 5_000);
    await service.stop(now);
  });

  it('kills a program that ignores TERM after the grace, and starts nothing any more', async () => {
    const service = start('process.on("SIGTERM", () => {}); console.log("ready"); setInterval(() => {}, 1000)');
    await vi.waitFor(() => expect(readFileSync(join(folder, 'log'), 'utf8')).toBe('ready\n'), 5_000);
    const startedAt = now();
    await expect(service.stop(() => startedAt + 300)).resolves.toEqual([]);
    expect(now() - startedAt).toBeGreaterThanOrEqual(300);
    await vi.waitFor(() => expect(service.current()).toBeNull(), 5_000);
    expect(told).toEqual([]);
  });
});
