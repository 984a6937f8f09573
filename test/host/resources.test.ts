import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { availableRamBytes } from '../../src/host/resources.js';

const GB = 1_000_000_000;

describe('memory that can be had', () => {
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'temper-ram-'));
    put('proc/meminfo', `MemTotal: 9 kB\nMemAvailable:   ${(100 * GB) / 1_000} kB\n`);
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));
  const put = (path: string, text: string | number): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), `${text}\n`);
  };
  const group = (path: string, limit: string | number, used: number, stat = ''): void => {
    put(`sys/fs/cgroup${path}/memory.max`, limit);
    put(`sys/fs/cgroup${path}/memory.current`, used);
    put(`sys/fs/cgroup${path}/memory.stat`, `anon 5\nfile 7\n${stat}`);
  };
  const ofMachine = (100 * GB * 1_024) / 1_000;

  it('is that of the machine without a limit', async () => {
    expect(await availableRamBytes(root)).toBe(ofMachine);
    put('proc/self/cgroup', '0::/pod/one');
    group('/pod/one', 'max', 10 * GB);
    expect(await availableRamBytes(root)).toBe(ofMachine);
  });

  it("is what the smallest limit of the container's groups leaves", async () => {
    put('proc/self/cgroup', '0::/pod/one');
    group('/pod/one', 64 * GB, 10 * GB);
    expect(await availableRamBytes(root)).toBe(54 * GB);
    group('/pod', 32 * GB, 20 * GB);
    expect(await availableRamBytes(root)).toBe(12 * GB);
    group('/pod', 32 * GB, 33 * GB);
    expect(await availableRamBytes(root)).toBe(0);
  });

  it('counts cached files as free, for they are given back', async () => {
    put('proc/self/cgroup', '0::/');
    group('', 64 * GB, 60 * GB, `inactive_anon 1\ninactive_file ${40 * GB}\nactive_file ${10 * GB}\n`);
    expect(await availableRamBytes(root)).toBe(54 * GB);
  });

  it('is limited by groups of the first version of cgroups, too, seen from inside of the container', async () => {
    put('proc/self/cgroup', '5:cpu:/docker/abc\n4:memory:/docker/abc\n0::/');
    const memory = 'sys/fs/cgroup/memory';
    put(`${memory}/memory.limit_in_bytes`, 8 * GB);
    put(`${memory}/memory.usage_in_bytes`, 6 * GB);
    put(`${memory}/memory.stat`, `inactive_file 3\ntotal_inactive_file ${GB}\ntotal_active_file ${GB}`);
    expect(await availableRamBytes(root)).toBe(4 * GB);
    put(`${memory}/memory.limit_in_bytes`, '9223372036854771712');
    expect(await availableRamBytes(root)).toBe(ofMachine);
  });
});
