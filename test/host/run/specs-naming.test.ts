import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { pathsNamedBy, specsNaming } from '../../../src/host/run/specs-naming.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'temper-specs-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function writeSpec(workspace: string, run: string, spec: unknown): Promise<void> {
  await mkdir(join(workspace, 'runs', run), { recursive: true });
  await writeFile(join(workspace, 'runs', run, 'spec.yaml'), stringify(spec));
}

it.each(['plain', 'with blank', 'a:b', "it's [odd], {very}", 'quoted "so"'])(
  'paths in a workspace named %j are found, wherever they stand in a text',
  async (name) => {
    const workspace = join(root, name);
    const version = join(workspace, 'models/numbers/versions/0001');
    await writeSpec(workspace, 'a', { weights: { source: `path:${version}/hf` }, train: { set: ['x', '/elsewhere'] } });
    await writeSpec(workspace, 'b', { evaluation: [`--from=${version}/hf,--quiet ${workspace}/runs/a/`] });
    await writeSpec(workspace, 'c', { weights: { source: `path:${version}0/hf` } });
    await writeFile(join(workspace, 'runs/notes.txt'), version);
    expect(await pathsNamedBy(workspace, 'a')).toEqual([`${version}/hf`]);
    expect(await pathsNamedBy(workspace, 'b')).toEqual(
      expect.arrayContaining([`${version}/hf`, join(workspace, 'runs/a')]),
    );
    expect(await pathsNamedBy(workspace, 'nobody')).toEqual([]);
    expect((await specsNaming(workspace, version)).sort()).toEqual(['a', 'b']);
  },
);

it('a spec that cannot be read is an error, not one that names nothing', async () => {
  const workspace = join(root, 'broken');
  await mkdir(join(workspace, 'runs/a/spec.yaml'), { recursive: true });
  await expect(specsNaming(workspace, join(workspace, 'models'))).rejects.toMatchObject({ code: 'EISDIR' });
});
