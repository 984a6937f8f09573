import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { KEEPER_ID_VARIABLE } from '../../../src/host/keeper/names.js';
import { runProbe, runProbes } from '../../../src/host/preflight/run-probe.js';
import { lookAround } from '../../../src/host/preflight/sight.js';
import { lookAtTaskLimit } from '../../../src/host/preflight/task-limit.js';

const root = mkdtempSync(join(tmpdir(), 'temper-sight-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('what a host sees of itself', () => {
  it('are processes with owner and keeper', async () => {
    const child = spawn('sleep', ['60'], { env: { ...process.env, [KEEPER_ID_VARIABLE]: 'tiny.train.h00.1' } });
    onTestFinished(() => void child.kill('SIGKILL'));
    const { pid = 0 } = child;
    // Its environment is that of this process until it has become the other program.
    await expect.poll(() => lookAround('127.0.0.1').processes.get(pid)?.name).toBe('sleep');
    const { processes } = lookAround('127.0.0.1');
    const user = userInfo().username;
    expect(processes.get(pid)).toEqual({ user, name: 'sleep', keeper: 'tiny.train.h00.1' });
    expect(processes.get(process.pid)).toMatchObject({ user, keeper: null });
  });

  it('are interfaces, and the one that has the training address', () => {
    const { interfaces, trainingInterface } = lookAround('127.0.0.1');
    expect(interfaces).toContain('lo');
    expect(trainingInterface).toBe('lo');
    // A network for documentation (RFC 5737), which no machine has.
    expect(lookAround('192.0.2.1').trainingInterface).toBeNull();
  });
});

describe('the limit of processes and threads', () => {
  it('is that of the user, unless the user is root', () => {
    const before = /^Max processes\s+(\S+)/m.exec(
      execFileSync('cat', ['/proc/self/limits'], { encoding: 'utf8' }),
    )?.[1];
    const set = (limit: string): unknown =>
      execFileSync('prlimit', ['--pid', String(process.pid), `--nproc=${limit}:`]);
    set('777');
    try {
      expect(lookAtTaskLimit(false)).toEqual({ most: 777, by: 'user' });
      expect(lookAtTaskLimit(true)?.by).not.toBe('user');
    } finally {
      set(before ?? 'unlimited');
    }
  });
});

describe('a probe', () => {
  it('is looked for in its folders, behind those of PATH', async () => {
    const tool = join(root, 'temper-own-tool');
    writeFileSync(tool, '#!/bin/sh\necho found\n');
    chmodSync(tool, 0o755);
    const probe = { id: 'a', argv: ['temper-own-tool'], timeoutMs: 5_000 };
    expect((await runProbe(probe)).state).toBe('missing');
    expect(await runProbe({ ...probe, folders: [root] })).toMatchObject({ state: 'ended', stdout: 'found\n' });
  });

  it('that hung says for how long, and its program is not asked again', async () => {
    const outputs = await runProbes(
      [
        { id: 'a', argv: ['sleep', '60'], timeoutMs: 300 },
        { id: 'b', argv: ['sleep', '0'], timeoutMs: 5_000 },
        { id: 'c', argv: ['true'], timeoutMs: 5_000 },
      ],
      60_000,
    );
    expect(outputs.get('a')).toMatchObject({ state: 'hung', stderr: 'no answer within 0.3 s' });
    expect(outputs.get('b')).toMatchObject({ state: 'hung', stderr: 'not asked: sleep hung before' });
    expect(outputs.get('c')).toMatchObject({ state: 'ended', code: 0 });
  });
});
