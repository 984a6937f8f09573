import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withSetupLock } from '../../scripts/setup/lock.js';

const MODULE = resolve(import.meta.dirname, '../../scripts/setup/lock.js');

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'temper-lock-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const ignore = (): void => undefined;

describe('withSetupLock', () => {
  it('lets one work at a time and answers what the work answers', async () => {
    let running = 0;
    let most = 0;
    const work = async (): Promise<number> => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((done) => setTimeout(done, 20));
      running -= 1;
      return running;
    };
    await expect(Promise.all([1, 2, 3].map(() => withSetupLock(root, work, ignore)))).resolves.toEqual([0, 0, 0]);
    expect(most).toBe(1);
  });

  it('is free again after work that failed', async () => {
    await expect(withSetupLock(root, () => Promise.reject(new Error('no')), ignore)).rejects.toThrow('no');
    await expect(withSetupLock(root, async () => 'yes', ignore)).resolves.toBe('yes');
  });

  it('names the holder while it waits, and takes over when the holder is killed', async () => {
    const script = `import { withSetupLock } from ${JSON.stringify(MODULE)};
      await withSetupLock(${JSON.stringify(root)}, () => { console.log('held'); return new Promise((done) => setTimeout(done, 60_000)); }, () => {});`;
    const holder = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    const waitedFor: string[] = [];
    const answer = withSetupLock(
      root,
      async () => 'taken over',
      (pid: string) => {
        waitedFor.push(pid);
        holder.kill('SIGKILL');
      },
    );
    await expect(answer).resolves.toBe('taken over');
    expect(waitedFor).toEqual([String(holder.pid)]);
  });
});
