import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
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

/** What the log says so far, line by line. */
function logged(): { msg: string; [field: string]: unknown }[] {
  if (!existsSync(join(folder, 'log'))) return [];
  const lines = readFileSync(join(folder, 'log'), 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line));
}
const said = (): string[] => logged().map(({ msg }) => msg);

describe('startService', () => {
  it('starts the program in a session of its own and keeps its output', async () => {
    const service = start('console.log("hello"); console.error("there"); setInterval(() => {}, 1000)');
    await vi.waitFor(() => expect(said()).toEqual(['hello', 'there']), 5_000);
    expect(logged()[0]).toMatchObject({ level: 'warn', role: 'worker', time: expect.any(String) });
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
    await vi.waitFor(() => expect(said()).toEqual(['ready']), 5_000);
    const startedAt = now();
    await expect(service.stop(() => startedAt + 300)).resolves.toEqual([]);
    expect(now() - startedAt).toBeGreaterThanOrEqual(300);
    await vi.waitFor(() => expect(service.current()).toBeNull(), 5_000);
    expect(told).toEqual([]);
  });

  it('writes what it says through our logger, without secrets, until its last line', async () => {
    const lines = [
      { level: 'ERROR', msg: 'server', taskToken: 'S3CR3T', nested: { authorization: 'S3CR3T' } },
      { level: 'info', time: 'now', role: 'host', msg: 'own' },
    ];
    const texts = [...lines.map((line) => JSON.stringify(line)), 'bye'];
    const service = start(
      `process.on('SIGTERM', () => { console.error(${JSON.stringify(texts.join('\n'))}); process.exit() });
       console.log('ready'); setInterval(() => {}, 1000)`,
    );
    await vi.waitFor(() => expect(said()).toEqual(['ready']), 5_000);
    await service.stop(() => now() + 5_000);
    expect(said()).toEqual(['ready', 'server', 'own', 'bye']);
    expect(logged().slice(1, 3)).toEqual([
      { level: 'error', time: expect.any(String), role: 'worker', nested: {}, msg: 'server' },
      lines[1],
    ]);
    expect(readFileSync(join(folder, 'log'), 'utf8')).not.toContain('S3CR3T');
  });

  it('goes on logging when who started it was killed, and its writer ends with it', { timeout: 30_000 }, async () => {
    const program = join(folder, 'dev.mjs');
    const module = resolve(import.meta.dirname, '../../../dist/cli/dev/service.js');
    const counts = 'let n = 0; setInterval(() => console.log("line " + n++), 5)';
    const spec = {
      ...{ role: 'server', command: process.execPath, args: ['-e', counts], cwd: folder, env: {} },
      ...{ logFile: join(folder, 'log'), isStdoutLogged: true, logLimit: { maxBytes: 2_000, keep: 1_000 } },
    };
    writeFileSync(
      program,
      `const { startService } = await import(${JSON.stringify(module)});
       const service = startService(${JSON.stringify(spec)}, { onChange: () => {}, tell: () => {} });
       console.log(service.current().pid);`,
    );
    const dev = spawn(process.execPath, [program], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    const [pid] = await once(dev.stdout, 'data');
    await vi.waitFor(() => expect(existsSync(join(folder, 'log.1'))).toBe(true), 10_000);
    dev.kill('SIGKILL');
    await once(dev, 'exit');
    await vi.waitFor(() => expect(existsSync(join(folder, 'log.9'))).toBe(true), 10_000);
    process.kill(Number(pid), 'SIGKILL');
    await expectNoLeftovers(folder);
    const files = Array.from({ length: 1_000 }, (_, number) => join(folder, `log.${1_000 - number}`)).filter(
      existsSync,
    );
    const texts = [...files, join(folder, 'log')].map((file) => readFileSync(file, 'utf8')).join('');
    const told = texts
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line).msg);
    expect(told).toEqual(told.map((_line, index) => `line ${index}`));
  });
});
