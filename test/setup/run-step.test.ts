import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ROOT } from '../../scripts/setup/program.js';
import { runStep } from '../../scripts/setup/run-step.js';
import { fakeProgram } from './fake-program.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'temper-step-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const step = (command: string, args: readonly string[] = []): Parameters<typeof runStep>[0] => ({
  ...{ title: 'trying', command, args, cwd: folder, logFile: join(folder, 'log'), fix: 'try again' },
});

it('keeps passwords of addresses out of log, output and error', async () => {
  const address = 'https://me:hush@mirror.example/simple';
  const command = fakeProgram(
    folder,
    'pip',
    'printf "Looking in https://me:hu"; printf "sh@mirror.example\\n$1"; exit 1',
  );
  const failure: unknown = await runStep(step(command, [address])).catch((error: unknown) => error);
  const log = readFileSync(join(folder, 'log'), 'utf8');
  expect(log).toContain('Looking in https://…@mirror.example\nhttps://…@mirror.example/simple');
  expect(`${log}${String(failure)}`).not.toContain('hush');
  expect(statSync(join(folder, 'log')).mode & 0o777).toBe(0o600);
});

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('ends at %s with status %i, also while it looks for torch', async (signal, status) => {
  const started = join(folder, 'started');
  const python = fakeProgram(folder, 'python', `echo x >> ${started}; exec sleep 60`);
  const url = (path: string): string => JSON.stringify(pathToFileURL(join(ROOT, 'scripts/setup', path)).href);
  const options = { python, spec: 'torch==1', env: {}, cwd: folder, logFile: join(folder, 'log') };
  const program = `import { runProgram } from ${url('program.js')};
import { chooseTorch } from ${url('torch.js')};
await runProgram(async () => { await chooseTorch(${JSON.stringify(options)}); return 0; });`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('close', resolve));
  await vi.waitUntil(() => existsSync(started), 10_000);
  child.kill(signal);
  expect(await ended).toBe(status);
  // It went on to no other place.
  expect(readFileSync(started, 'utf8')).toBe('x\n');
});
