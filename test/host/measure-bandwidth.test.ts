import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { expect, onTestFinished, test } from 'vitest';
import { measureBandwidth } from '../../src/host/measure-bandwidth.js';

test('measures within two seconds and leaves nothing', async () => {
  const dir = await aFolder(tmpdir());
  const startedAt = performance.now();
  const { writeBytesPerSecond, readBytesPerSecond, isReadCached } = await measureBandwidth(dir, {
    maxBytes: 64 * 1024 * 1024,
  });
  expect(performance.now() - startedAt).toBeLessThan(10_000);
  // Anything slower or faster than these is no disk; equal numbers would be a made-up one.
  for (const rate of [writeBytesPerSecond, readBytesPerSecond]) {
    expect(rate).toBeGreaterThan(100_000);
    expect(rate).toBeLessThan(1e12);
  }
  expect(writeBytesPerSecond).not.toBe(readBytesPerSecond);
  expect(typeof isReadCached).toBe('boolean');
  expect(await readdir(dir)).toEqual([]);
});

test('moves at least one block, however short the time is', async () => {
  const dir = await aFolder(tmpdir());
  const { writeBytesPerSecond } = await measureBandwidth(dir, { maxBytes: 1, writeMs: 0, readMs: 0 });
  expect(writeBytesPerSecond).toBeGreaterThan(0);
});

test.skipIf(!existsSync('/dev/shm'))(
  'says when it could only read from the cache, and when the disk is full',
  async () => {
    const dir = await aFolder('/dev/shm');
    const outcome = await measureBandwidth(dir, { maxBytes: 16 * 1024 * 1024 }).catch((error: unknown) => error);
    // Small /dev/shm of containers: the error of the file system is the answer.
    if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'ENOSPC' });
    else expect(outcome).toMatchObject({ readBytesPerSecond: expect.any(Number) });
    expect(await readdir(dir)).toEqual([]);
  },
);

test('a killed measurement leaves no byte', async () => {
  const dir = await aFolder(tmpdir());
  const program = join(await aFolder(tmpdir()), 'measure.mjs');
  const entry = fileURLToPath(new URL('../../src/host/measure-bandwidth.ts', import.meta.url));
  const bundle = await rolldown({ input: entry, platform: 'node' });
  await bundle.write({ file: program, format: 'esm' });
  await bundle.close();
  const script = `import { measureBandwidth } from ${JSON.stringify(program)};
    process.stdout.write('begins');
    await measureBandwidth(${JSON.stringify(dir)}, { writeMs: 60_000 });`;
  for (const afterMs of [0, 5, 20, 60, 150]) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    await sleep(afterMs);
    child.kill('SIGKILL');
    await once(child, 'exit');
    for (const name of await readdir(dir)) expect((await stat(join(dir, name))).size).toBe(0);
  }
});

async function aFolder(parent: string): Promise<string> {
  const dir = await mkdtemp(join(parent, 'temper-bandwidth-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}
