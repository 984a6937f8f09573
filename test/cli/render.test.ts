import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { cpuTiny } from '../../src/recipes/cpu-tiny/recipe.js';
import type { RenderAnswer } from '../../src/schemas/render.js';
import { READERS } from '../host/checkpoint/fixtures.js';
import { aRun, knowing, temper } from './support.js';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'temper-render-cli-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  await writeFile(join(dir, 'tiny.yaml'), cpuTiny.template);
});

const render = (...flags: readonly string[]) =>
  temper(['render', join(dir, 'tiny.yaml'), '--output', join(dir, 'out'), ...flags]);

describe('temper render', () => {
  it('writes the scripts of a spec, ready to run, for the hosts that are named', async () => {
    const { status, stdout } = await render('--host', 'a=10.0.0.1,eth0', '--host', 'b=10.0.0.2', '--python', '/py');
    expect([status, stdout]).toEqual([0, expect.stringContaining('README.md says')]);
    const files = await readdir(join(dir, 'out'));
    expect(files).toEqual(expect.arrayContaining(['README.md', '05-train-a.sh', '05-train-b.sh', '07-verify.sh']));
    const script = await readFile(join(dir, 'out', '05-train-b.sh'), 'utf8');
    expect(script).toContain('--master_addr 10.0.0.1');
    expect(script).toContain('/py -m torch.distributed.run');
    expect((await stat(join(dir, 'out', '05-train-b.sh'))).mode & 0o111).not.toBe(0);
  });

  it('names hosts by their rank when none are given', async () => {
    const { status, stdout } = await render('-o', 'json');
    expect([status, JSON.parse(stdout)]).toMatchObject([
      0,
      { v: 1, files: expect.arrayContaining(['05-train-host-01.sh']) },
    ]);
  });

  it.each<[string, readonly string[], RegExp]>([
    ['too few hosts', ['--host', 'a=1.2.3.4'], /1 hosts are named, fleet\.hosts is 2/],
    ['a host without an address', ['--host', 'a', '--host', 'b=1.2.3.4'], /"a" is no host/],
    ['two hosts with one address', ['--host', 'a=1.2.3.4', '--host', 'b=1.2.3.4'], /one address: a 1\.2\.3\.4, b 1/],
    ['a host twice', ['--host', 'a=1.2.3.4', '--host', 'a=1.2.3.5'], /a is named twice/],
  ])('refuses %s', async (_what, flags, message) => {
    const { status, stderr } = await render(...flags);
    expect([status, stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  it.each([
    ['dcp-release', 'release'],
    ['dcp', 'iter_0000004'],
  ])('resolves a folder with a tracker as a run would: %s to %s', async (folder, meant) => {
    const start = cpuTiny.template.replace(/^train:\n/m, `train:\n  fromCheckpoint: ${join(READERS, folder)}\n`);
    await writeFile(join(dir, 'tiny.yaml'), start);
    const { status, stderr } = await temper(['render', join(dir, 'tiny.yaml'), '--output', join(dir, 'from')]);
    expect([status, stderr]).toEqual([0, expect.stringContaining('give --host NAME=ADDRESS')]);
    const script = await readFile(join(dir, 'from', '05-train-host-00.sh'), 'utf8');
    expect(script).toContain(`ln -sfn ${join(READERS, folder, meant)} `);
  });

  it('refuses a checkpoint that no run would start from', async () => {
    await mkdir(join(dir, 'empty'));
    const start = cpuTiny.template.replace(/^train:\n/m, `train:\n  fromCheckpoint: ${join(dir, 'empty')}\n`);
    await writeFile(join(dir, 'tiny.yaml'), start);
    const { status, stderr } = await render();
    expect([status, stderr]).toEqual([expect.any(Number), expect.stringContaining('cannot be used')]);
    expect(status).not.toBe(0);
  });

  it('writes into no folder that holds something', async () => {
    await render();
    const { status, stderr } = await render();
    expect([status, stderr]).toEqual([2, expect.stringContaining('the folder is not empty')]);
  });

  it('leaves out what a run has done, says so when that is all, and writes it from a stage on when asked', async () => {
    const done = { dir: '/s', outputs: { checkpoint: '/s/iter_0000001', dcp: '/s/dcp', hf: '/s/hf' }, facts: {} };
    const stages = ['weights', 'data', 'convert', 'train', 'export', 'verify'] as const;
    const answer: RenderAnswer = {
      ...{ v: 1, host: 'h1', scratch: '/scratch', networkInterface: 'eth0', gang: ['h1'] },
      specText: cpuTiny.template.replace('./workspace', join(dir, 'w')).replace('hosts: 2', 'hosts: 1'),
      tools: { python: '/py', node: '/node', temper: '/temper.js', programs: '/programs', cpus: 8 },
      known: Object.fromEntries(stages.map((stage) => [stage, done])),
    };
    const readRunFacts = (run: string) => Promise.resolve({ run, hosts: [{ address: '10.0.0.1', answer }] });
    const runs = { ...knowing(aRun({ run: 'tiny' })), readRunFacts };
    const out = join(dir, 'left');
    const all = await temper(['render', 'tiny', '--output', out], { runs, cwd: join(dir, '..') });
    expect([all.status, all.stdout]).toEqual([0, expect.stringContaining('nothing is left of tiny')]);
    await expect(stat(out)).rejects.toThrow('ENOENT');
    const again = await temper(['render', 'tiny', '--output', out, '--from', 'export'], { runs, cwd: join(dir, '..') });
    expect([again.status, again.stderr]).toEqual([0, '']);
    const files = await readdir(out);
    expect(files.toSorted()).toEqual(['01-environment.sh', '06-export.sh', '07-verify.sh', 'README.md']);
  });

  it('takes no --from of a spec file', async () => {
    const { status, stderr } = await render('--from', 'train');
    expect([status, stderr]).toEqual([2, expect.stringContaining('leave --from out')]);
  });

  it('tells what is wrong with a spec and writes nothing', async () => {
    await writeFile(join(dir, 'tiny.yaml'), cpuTiny.template.replace('iterations', 'iteratons'));
    const { status, stderr } = await render();
    expect([status, stderr]).toEqual([2, expect.stringContaining('did you mean iterations')]);
    expect(await readdir(dir)).toEqual(['tiny.yaml']);
  });
});
