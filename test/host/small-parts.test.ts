import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readConfig } from '../../src/config.js';
import { fingerprint } from '../../src/domain/fingerprint.js';
import { readEnvironment, writeEnvironment } from '../../src/host/environment-file.js';
import { readFactFiles } from '../../src/host/fact-files.js';
import { readJsonFile, writeJsonFile } from '../../src/host/json-file.js';
import { nearestFolder } from '../../src/host/nearest-folder.js';
import { probeHost } from '../../src/host/probe.js';
import { assertResources, availableRamBytes, freeDiskBytes } from '../../src/host/resources.js';
import { hostContext } from '../../src/host/this-host.js';
import { HostProbeSchema } from '../../src/schemas/host.js';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'temper-host-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));
const write = (name: string, text: string): void => writeFileSync(join(dir, name), text);

describe('a JSON file', () => {
  const schema = z.object({ v: z.literal(1), n: z.number() });
  const path = (): string => join(dir, 'deep/er/file.json');

  it('is written with its folder and read back; a missing one is null', async () => {
    expect(await readJsonFile(path(), schema)).toBeNull();
    await writeJsonFile(path(), { v: 1, n: 2 });
    expect(await readJsonFile(path(), schema)).toEqual({ v: 1, n: 2 });
  });

  it.each([
    [
      '{"v":2,"n":"anything"}',
      { code: 'FormatTooNew', what: 'the file has format version 2, this Temper reads version 1' },
    ],
    ['{"v":1,"n":"x"}', { code: 'WorkspaceUnusable', why: expect.stringContaining('n:') }],
    ['{"n":1}', { code: 'WorkspaceUnusable' }],
    ['null', { code: 'WorkspaceUnusable' }],
    ['{"v":1,', { code: 'WorkspaceUnusable', what: 'the file is not JSON' }],
    ['', { code: 'WorkspaceUnusable', what: 'the file is not JSON' }],
  ])('that holds %s is refused', async (text, problem) => {
    write('file.json', text);
    await expect(readJsonFile(join(dir, 'file.json'), schema)).rejects.toMatchObject({
      problem: { ...problem, where: join(dir, 'file.json') },
    });
  });

  it('that is a folder is an error of the system, not a missing file', async () => {
    await expect(readJsonFile(dir, schema)).rejects.toMatchObject({ code: 'EISDIR' });
  });
});

describe('fact files', () => {
  it('are read in order', async () => {
    write('a.json', '[1]');
    write('b.json', '{"x":null}');
    expect(await readFactFiles(dir, ['b.json', 'a.json'])).toEqual([{ x: null }, [1]]);
  });

  it.each<[string, string | null, RegExp]>([
    ['is missing', null, /it was not written/],
    ['is no JSON', '{', /it is not JSON/],
    ['is no summary', `"${'x'.repeat(4 * 1024 * 1024)}"`, /it has 4194306 bytes/],
  ])('prove nothing when one %s', async (_what, text, why) => {
    if (text !== null) write('a.json', text);
    await expect(readFactFiles(dir, ['a.json'])).rejects.toMatchObject({
      problem: { code: 'ProofFailed', where: join(dir, 'a.json'), why: expect.stringMatching(why) },
    });
  });
});

describe('a proven environment', () => {
  it('is remembered per recipe and interpreter', async () => {
    expect(await readEnvironment(dir, 'a/b', '/py')).toBeNull();
    await writeEnvironment(dir, 'a/b', '/py', { torch: '2' });
    expect(await readEnvironment(dir, 'a/b', '/py')).toMatchObject({
      v: 1,
      lock: { torch: '2' },
      digest: fingerprint({ torch: '2' }),
    });
    expect(await readEnvironment(dir, 'a/b', '/other')).toBeNull();
    expect(await readEnvironment(dir, 'a', '/py')).toBeNull();
  });
});

describe('the nearest folder', () => {
  it('is the path itself, or the first above it that is a folder', async () => {
    mkdirSync(join(dir, 'a'));
    write('file', '');
    symlinkSync('gone', join(dir, 'dangling'));
    expect(await nearestFolder(join(dir, 'a'))).toBe(join(dir, 'a'));
    expect(await nearestFolder(join(dir, 'a/b/c'))).toBe(join(dir, 'a'));
    expect(await nearestFolder(join(dir, 'file/x'))).toBe(dir);
    expect(await nearestFolder(join(dir, 'dangling'))).toBe(dir);
    expect(await nearestFolder('/')).toBe('/');
  });
});

describe('the resources of this host', () => {
  it('are measured, and suffice for nothing', async () => {
    expect(await freeDiskBytes(dir)).toBeGreaterThan(0);
    expect(await availableRamBytes()).toBeGreaterThan(0);
    await expect(assertResources(dir, { diskBytes: 0, ramBytes: 0 })).resolves.toBeUndefined();
  });

  it.each([
    [{ diskBytes: 1e18, ramBytes: 0 }, 'DiskTooSmall', '1000 PB are needed'],
    [{ diskBytes: 0, ramBytes: 1e18 }, 'RamTooSmall', '1000 PB are needed'],
  ])('do not suffice for %j', async (needs, code, what) => {
    await expect(assertResources(dir, needs)).rejects.toMatchObject({
      problem: { code, what: expect.stringContaining(what), retryable: false },
    });
  });
});

describe('this host', () => {
  const config = { ...readConfig({ TEMPER_HOME: '/home/t', TEMPER_PYTHON: '/py' }), root: '/app' };

  it('has defaults for all but its name', () => {
    const host = hostContext({ config, name: 'h1.example', options: { fleet: 'lab' } });
    expect(host).toMatchObject({
      name: 'h1.example',
      fleet: 'lab',
      scratch: '/home/t/hosts/h1.example',
      address: '127.0.0.1',
      keeperBundle: '/app/dist/keeper.mjs',
      programsRoot: '/app/dist/recipes',
      tools: { python: '/py', node: process.execPath, temper: '/app/bin/temper.js' },
    });
  });

  it('takes what its worker is told, and an absolute scratch folder', () => {
    expect(
      hostContext({ config, name: 'h1', options: { fleet: 'lab', scratch: 'x', address: '10.0.0.1' } }),
    ).toMatchObject({ scratch: join(process.cwd(), 'x'), address: '10.0.0.1' });
  });

  it.each(['', 'H1', 'h_1', '-h', 'h/1', 'h'.repeat(64)])('cannot be called %j', (name) => {
    expect(() => hostContext({ config, name, options: { fleet: 'lab' } })).toThrow(
      expect.objectContaining({ problem: expect.objectContaining({ code: 'UsageInvalid', where: '--name' }) }),
    );
  });

  it('answers a probe, with a scratch folder that is there afterwards', async () => {
    const host = hostContext({ config, name: 'h1', options: { fleet: 'lab', scratch: join(dir, 'scratch') } });
    const probe = await probeHost(host);
    expect(HostProbeSchema.parse(probe)).toEqual(probe);
    expect(probe).toMatchObject({ name: 'h1', pid: process.pid });
    expect(await nearestFolder(host.scratch)).toBe(host.scratch);
  });
});
