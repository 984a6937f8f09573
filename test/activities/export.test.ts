import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runStage } from '../../src/activities/run-stage.js';
import { recordStage } from '../../src/host/run/run-folder.js';
import { readReceipt, writeReceipt } from '../../src/host/store/entry.js';
import type { Recipe } from '../../src/recipes/recipe.js';
import { smokeCommands } from '../../src/recipes/smoke.js';
import { ProvenanceSchema } from '../../src/schemas/provenance.js';
import type { Receipt } from '../../src/schemas/receipt.js';
import type { StageCall } from '../../src/schemas/stage-calls.js';
import { READERS } from '../host/checkpoint/fixtures.js';
import { recipeOf, run, step, useStageBench } from './support.js';

const bench = useStageBench();
const perform = (recipe: Recipe, call: StageCall) => run(() => runStage(bench.host(recipe), call));

describe('a stage that exports', () => {
  const ORIGINAL = (): string => join(bench.workspace(), 'original');
  const exporting = (): Recipe =>
    recipeOf((facts) => ({
      commands: [step(facts, `cp -r ${READERS}/hf-trained hf; cp ${ORIGINAL()}/README.md hf/`)],
      checks: [
        {
          kind: 'sameModel',
          original: ORIGINAL(),
          exported: join(facts.out, 'hf'),
          dtype: 'f32',
          frozen: ['visual.blocks'],
        },
      ],
      outputs: { hf: 'hf' },
    }));

  async function open(recipe: Recipe): Promise<StageCall> {
    const call = await bench.open(recipe, 'r1', { name: 'export' });
    cpSync(join(READERS, 'hf'), ORIGINAL(), { recursive: true });
    writeFileSync(join(ORIGINAL(), 'README.md'), '---\nlicense: mit\n---\n# Base\n');
    await leave(call, 'weights');
    await leave(call, 'data');
    await leave(call, 'check', { rows: 16 });
    await leave(call, 'train', { firstLoss: 2, lastLoss: 1 });
    const needs = (['weights', 'train'] as const).map((stage) => ({ stage, key: stage, digest: `digest-${stage}` }));
    return { ...call, needs };
  }

  it('leaves provenance and model card in the model, in its receipt, and the original card beside them', async () => {
    const recipe = exporting();
    const call = await open(recipe);
    const done = await perform(recipe, call);
    const receipt = await readReceipt(call.workspace, 'export', done.ref.key);
    const hf = join(call.workspace, receipt?.outputs['hf'] ?? '');
    const provenance = ProvenanceSchema.parse(JSON.parse(readFileSync(join(hf, 'provenance.json'), 'utf8')));
    expect(provenance).toMatchObject({
      run: 'r1',
      recipe: { id: 'fake' },
      base: { digest: 'digest-weights' },
      data: { digest: 'digest-data', rows: 16 },
      training: { firstLoss: 2, lastLoss: 1, frozen: ['visual.blocks'], restarts: [] },
      export: { tensors: 13, bytes: 632 },
    });
    expect(readFileSync(join(hf, 'README.md'), 'utf8')).toContain('license: mit');
    expect(readFileSync(join(hf, 'README.original.md'), 'utf8')).toContain('# Base');
    const files = receipt?.manifest.map(({ path }) => path);
    expect(files).toEqual(expect.arrayContaining(['hf/README.md', 'hf/README.original.md', 'hf/provenance.json']));
    expect(readFileSync(join(hf, 'provenance.json'), 'utf8')).not.toContain(bench.workspace());
  });

  it('is the same export when the same training is exported again', async () => {
    const recipe = exporting();
    const call = await open(recipe);
    const first = await perform(recipe, call);
    const second = await perform(recipe, { ...call, isFresh: true, tryNumber: 2 });
    expect([second.reused, second.ref]).toEqual([false, first.ref]);
  });

  it('does not end without them: a data stage whose receipt is gone fails it', async () => {
    const recipe = exporting();
    const call = { ...(await open(recipe)), run: 'r1' };
    const other = await bench.open(recipe, 'r2', { name: 'export' });
    await expect(perform(recipe, { ...other, needs: call.needs })).rejects.toMatchObject({
      problem: {
        code: 'WorkspaceUnusable',
        what: 'the receipt of stage data is gone',
        fix: expect.stringContaining('--from data'),
      },
    });
  });

  async function leave(call: StageCall, stage: Receipt['stage'], facts: Receipt['facts'] = {}): Promise<void> {
    const at = new Date(0).toISOString();
    await writeReceipt(call.workspace, {
      ...{ v: 1, stage, key: stage, dir: `store/${stage}/${stage}/out-0001`, outputs: {}, facts },
      ...{ manifest: [], digest: `digest-${stage}`, startedAt: at, finishedAt: at },
      madeBy: { run: 'r1', host: 'h1', owner: 'first-r1', tryNumber: 1 },
    });
    const record = { v: 1 as const, stage, key: stage, digest: `digest-${stage}`, reused: false, host: 'h1', at };
    await recordStage(call.workspace, call.run, { ...record, durationMs: 1 }, call.workspace);
  }
});

describe('the smoke command', () => {
  const trying = (command: string[], timeout = '10m'): Recipe =>
    recipeOf((facts) => {
      const spec = { ...facts.spec, export: { dtype: 'bf16' as const, smoke: { command, timeout } } };
      return { commands: smokeCommands({ ...facts, spec }, '/models/hf') };
    });
  const attempt = async (recipe: Recipe) => perform(recipe, await bench.open(recipe, 'r1', { name: 'verify' }));
  const log = (stream: string): string => join(bench.workspace(), 'runs/r1/stages/verify/log', `smoke.${stream}`);

  it('gets the exported folder and the interpreter, and its output is kept', async () => {
    await attempt(trying(['/bin/sh', '-c', 'echo "$1 by $2"; echo warm >&2', 'sh', '{{model}}', '{{python}}']));
    expect(readFileSync(log('out'), 'utf8')).toBe('/models/hf by python3\n');
    expect(readFileSync(log('err'), 'utf8')).toBe('warm\n');
  });

  it('is no shell: what looks like one is a word', async () => {
    await attempt(trying(['/bin/echo', '{{model}}; exit 3', '$HOME']));
    expect(readFileSync(log('out'), 'utf8')).toBe('/models/hf; exit 3 $HOME\n');
  });

  it('that fails fails the stage with its last words, which are kept too', async () => {
    const recipe = trying(['/bin/sh', '-c', 'echo "RuntimeError: no answer" >&2; exit 3', '{{model}}']);
    await expect(attempt(recipe)).rejects.toMatchObject({
      problem: {
        code: 'CommandFailed',
        what: 'the smoke command on the exported model ended with exit status 3',
        why: 'RuntimeError: no answer',
      },
    });
    expect(readFileSync(log('err'), 'utf8')).toContain('no answer');
  });

  it('that takes too long is stopped, and the error says how to give it longer', async () => {
    await expect(attempt(trying(['/bin/sh', '-c', 'sleep 60', '{{model}}'], '100ms'))).rejects.toMatchObject({
      problem: {
        code: 'CommandFailed',
        what: expect.stringContaining('took longer than 1 s and was stopped'),
        fix: expect.stringContaining('export.smoke.timeout'),
      },
    });
    expect(existsSync(log('out'))).toBe(false);
  });
});
