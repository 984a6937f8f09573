import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareModels } from '../../src/host/safetensors/compare.js';
import { openFakeSite, type FakeSite } from './support/fake-site.js';

let site: FakeSite;
beforeAll(async () => {
  site = await openFakeSite();
}, 60_000);
afterAll(async () => {
  await site?.remove();
});

function convert(...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(join(site.root, 'bin/mm-convert'), words, {
    cwd: site.root,
    env: site.env,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

const CLASS = 'ExpertMergeDcpConverter';

describe('the fake mm-convert', { timeout: 60_000 }, () => {
  it.each([
    [
      'a folder that is not there',
      [CLASS, 'hf_to_dcp', '--hf_dir', 'none', '--save_dir', 'x'],
      'Path does not point to a directory',
    ],
    ['a missing key', [CLASS, 'hf_to_dcp', '--hf_dir', 'GLM-4.5V'], 'Key "save_dir" is required'],
    ['an unknown key', [CLASS, 'hf_to_dcp', '--hf_dirs', 'GLM-4.5V'], 'Unrecognized arguments: --hf_dirs'],
    ['another class', ['GlmConverter', 'hf_to_dcp'], "invalid choice: 'GlmConverter'"],
  ])('refuses %s with usage, tip, error and status 2', (_what, words, text) => {
    const { status, stdout, stderr } = convert(...words);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^usage: mm-convert [^]*\ntip: [^]*\nerror: /);
    expect(stderr).toContain(text);
  });

  it('merges into one shard with metadata and tracker, for its owner and group only, and says nothing but a bar', () => {
    const { status, stdout, stderr } = convert(CLASS, 'hf_to_dcp', '--hf_dir', 'GLM-4.5V', '--save_dir', 'dcp');
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    expect(stderr).toContain('\rmerge moe experts weight: 100%|');
    const dcp = join(site.root, 'dcp');
    expect(readdirSync(dcp).toSorted()).toEqual(['latest_checkpointed_iteration.txt', 'release']);
    expect(readdirSync(join(dcp, 'release')).toSorted()).toEqual(['.metadata', '__0_0.distcp']);
    expect(readFileSync(join(dcp, 'latest_checkpointed_iteration.txt'), 'utf8')).toBe('release');
    expect(statSync(join(dcp, 'release')).mode & 0o777).toBe(0o750);
    expect(statSync(join(dcp, 'release/.metadata')).mode & 0o777).toBe(0o640);
  });

  it('splits a release checkpoint into the bytes that it was made of', async () => {
    const { status, stdout } = convert(
      ...[CLASS, 'dcp_to_hf', '--hf_dir', 'GLM-4.5V', '--dcp_dir', 'dcp/release', '--save_dir', 'back'],
    );
    expect(status).toBe(0);
    expect(stdout).toContain('Copied: GLM-4.5V/config.json -> back/config.json\n');
    const report = await compareModels(join(site.root, 'GLM-4.5V'), join(site.root, 'back'), {
      ...{ dtype: 'bf16', frozen: [''], isDeep: true },
    });
    // Every value is the original's, so all that can be said against it is that nothing was trained.
    expect(report.problems.map(({ id }) => id)).toEqual(['nothing-trained']);
  });

  it('ends with a traceback for another model, before it wrote anything', () => {
    const { status, stderr } = convert(CLASS, 'hf_to_dcp', '--hf_dir', 'data', '--save_dir', 'other');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^Traceback \(most recent call last\):[^]*FileNotFoundError/);
    expect(existsSync(join(site.root, 'other'))).toBe(false);
  });
});
