import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runChecks } from '../../src/host/checks.js';
import { cpuTiny } from '../../src/recipes/cpu-tiny/recipe.js';
import type { Check } from '../../src/recipes/recipe.js';
import { READERS } from './checkpoint/fixtures.js';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'temper-checks-'));
  for (const name of ['hf', 'hf-trained', 'dcp-release'])
    cpSync(join(READERS, name), join(dir, name), { recursive: true });
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const check = (one: Check): Promise<void> => runChecks([one], cpuTiny);
const at = (name: string): string => join(dir, name);
/** What the reader of a whole model folder holds, so that contract and headers can be compared without torch. */
const converted = (): Check => ({ kind: 'convertedCheckpoint', dir: at('dcp-release'), original: at('hf') });

describe('the proof', () => {
  it('of a model folder passes a whole one', async () => {
    await expect(check({ kind: 'modelFolder', dir: at('hf') })).resolves.toBeUndefined();
  });

  it('of a model folder names the shard that was cut', async () => {
    truncateSync(at('hf/model-00002-of-00002.safetensors'), 40);
    await expect(check({ kind: 'modelFolder', dir: at('hf') })).rejects.toMatchObject({
      problem: {
        code: 'ProofFailed',
        what: expect.stringMatching(/^the model folder is not whole: /),
        where: expect.stringContaining('model-00002'),
        evidence: expect.arrayContaining([expect.stringContaining('model-00002')]),
      },
    });
  });

  it('of a model folder names the folder that is not there', async () => {
    await expect(check({ kind: 'modelFolder', dir: at('gone') })).rejects.toMatchObject({
      problem: { code: expect.stringMatching(/ProofFailed|SourceMissing/), where: expect.stringContaining('gone') },
    });
  });

  it('of a converted checkpoint tells how it differs from the original', async () => {
    await expect(check(converted())).rejects.toMatchObject({
      problem: {
        code: 'ProofFailed',
        what: expect.stringMatching(/differs from the original in \d+ tensors$/),
        why: expect.stringContaining('random weights'),
      },
    });
  });

  it('of a converted checkpoint refuses an incomplete one before it looks inside', async () => {
    rmSync(at('dcp-release/release/.metadata'));
    await expect(check(converted())).rejects.toMatchObject({
      problem: { code: 'ProofFailed', what: expect.stringMatching(/^the converted checkpoint is not complete: /) },
    });
  });

  it('of an exported model passes the trained one, and refuses changed frozen tensors', async () => {
    const same = (frozen: readonly string[]): Check => ({
      kind: 'sameModel',
      original: at('hf'),
      exported: at('hf-trained'),
      dtype: 'f32',
      frozen,
    });
    await expect(check(same([]))).resolves.toBeUndefined();
    await expect(check(same(['']))).rejects.toMatchObject({
      problem: {
        code: 'ProofFailed',
        what: expect.stringMatching(/^the exported model is not the trained original: /),
      },
    });
  });

  it('of files names the missing one; the first proof that fails ends the proofs', async () => {
    const files = (...names: readonly string[]): Check => ({ kind: 'filesExist', paths: names.map(at) });
    await expect(check(files('hf', 'hf/config.json'))).resolves.toBeUndefined();
    await expect(runChecks([files('hf'), files('first'), files('second')], cpuTiny)).rejects.toMatchObject({
      problem: { code: 'ProofFailed', where: at('first') },
    });
  });
});

describe('the tiny recipe', () => {
  const TINY = new URL('../fixtures/checkpoints/cpu-tiny/', import.meta.url);

  it('proves what its own converter wrote, and finds a tensor of another shape', async () => {
    cpSync(TINY, at('tiny'), { recursive: true });
    const one: Check = { kind: 'convertedCheckpoint', dir: at('tiny/converted'), original: at('tiny/hf') };
    await expect(check(one)).resolves.toBeUndefined();
    const config = readFileSync(at('tiny/hf/config.json'), 'utf8');
    writeFileSync(at('tiny/hf/config.json'), config.replace(/"n_routed_experts": \d+/, '"n_routed_experts": 3'));
    await expect(check(one)).rejects.toMatchObject({ problem: { code: 'ProofFailed' } });
  });
});
