import { describe, expect, test } from 'vitest';
import { makePlan } from '../../../src/domain/plan.js';
import { readStoredSpec } from '../../../src/domain/spec/read-spec.js';
import type { StageFacts } from '../../../src/recipes/recipe.js';
import { RECIPES } from '../../../src/recipes/registry.js';
import { simulated } from '../../../src/recipes/simulated/recipe.js';
import type { PipelineSpec } from '../../../src/schemas/spec.js';

const TOOLS = { python: '/py', node: '/node', temper: '/temper.js', programs: '/programs', cpus: 2 };

describe('the template', () => {
  test('is a valid spec that plans every stage', () => {
    const spec = specOf(simulated.template);
    const plan = makePlan(spec, 'run', simulated, simulated.stages(spec), []);
    expect(plan.stages.map(({ name }) => name)).toEqual([
      'environment',
      'weights',
      'data',
      'convert',
      'train',
      'export',
      'verify',
    ]);
  });
});

describe('lint', () => {
  test.each([
    ['weights/hub-unsupported', "source: 'seed:1'", 'source: hf:owner/model'],
    ['environment/unused', 'recipe: simulated', 'recipe: simulated\nenvironment: { python: /opt/python }'],
    [
      'data/unsupported',
      'format: synthetic, rows: 400, heldOutRows: 50, seed: 7',
      'format: llava, annotations: /rows.json',
    ],
    [
      'data/unsupported',
      'format: synthetic, rows: 400, heldOutRows: 50, seed: 7',
      'format: mllm, annotations: /rows.json, maxSamples: 5',
    ],
    [
      'data/unsupported',
      'format: synthetic, rows: 400, heldOutRows: 50, seed: 7',
      "format: mllm, annotations: '/a,b.json'",
    ],
    ['data/fewer-rows-than-world-batch', 'microBatchSize: 4', 'microBatchSize: 400'],
    [
      'train/all-frozen',
      'visionEncoder: false, visionProjector: false, textDecoder: false',
      'visionEncoder: true, visionProjector: true, textDecoder: true',
    ],
  ])('%s', (id, text, replacement) => {
    expect(simulated.template).toContain(text);
    const { problems } = read(simulated.template.replace(text, replacement));
    expect(problems.filter(({ severity }) => severity === 'error').map((problem) => problem.id)).toEqual([id]);
  });
});

describe('launch', () => {
  const spec = specOf(simulated.template);
  const facts = {
    spec,
    tools: TOOLS,
    nodeRank: 1,
    nodes: 2,
    ranksPerNode: 2,
    masterAddress: '10.0.0.1',
    masterPort: 6000,
    address: '10.0.0.2',
    networkInterface: null,
    rankLogDir: '/logs',
    cacheDir: '/caches',
    hostDir: '/a/h1',
    loadDir: '/load',
    saveDir: '/save',
    inputs: { data: { dir: '/data', outputs: { rows: '/rows.json' }, facts: {} } },
  };

  test("has torchrun's arguments, the trainer's, and the variables of the spec", () => {
    const { argv, env } = simulated.training.launch({ ...facts, isResume: true });
    expect(argv.join(' ')).toContain(
      '/node /programs/launch.mjs --nnodes 2 --nproc_per_node 2 --node_rank 1 --master_addr 10.0.0.1 --master_port 6000 --redirects 3 --log-dir /logs /programs/rank.mjs --data /rows.json --load /load --save /save',
    );
    expect(argv.join(' ')).toContain('--global-batch-size 16 --lr 0.002 --lr-warmup-fraction 0.05');
    expect(env).toEqual({ SIM_STEP_MS: '5' });
  });

  test('asks for optimizer and random state only where there are any', () => {
    const flags = (isResume: boolean, one: PipelineSpec): string[] =>
      simulated.training.launch({ ...facts, spec: one, isResume }).argv.filter((word) => word.startsWith('--no-'));
    expect(flags(true, spec)).toEqual([]);
    expect(flags(false, spec)).toEqual(['--no-load-optim', '--no-load-rng']);
    const light = {
      ...spec,
      train: { ...spec.train, checkpoint: { ...spec.train.checkpoint, fidelity: 'weights-only' as const } },
    };
    expect(flags(true, light)).toEqual(['--no-save-optim', '--no-save-rng', '--no-load-optim', '--no-load-rng']);
  });
});

describe('work', () => {
  const facts: StageFacts = {
    spec: specOf(simulated.template),
    tools: TOOLS,
    out: '/out',
    inputs: {
      weights: { dir: '/w', outputs: { hf: '/w/hf' }, facts: {} },
      data: { dir: '/d', outputs: { rows: '/d/rows.json' }, facts: {} },
      export: { dir: '/e', outputs: { hf: '/e/hf' }, facts: {} },
    },
  };

  test('verify tells both losses, and refuses a model whose loss is no number', () => {
    const { facts: read, files } = simulated.work('verify', facts);
    expect(files).toEqual([{ path: '/out/heldout.json', content: '[]' }]);
    const good = read?.([{ v: 1, rows: 50, lossBefore: 2, lossAfter: 1 }]);
    expect(good).toEqual({ facts: { heldOutRows: 50, heldOutLossBefore: 2, heldOutLossAfter: 1 }, problems: [] });
    expect(read?.([{ v: 1, rows: 50, lossBefore: 2, lossAfter: null }])?.problems).toHaveLength(1);
    expect(read?.(['nonsense'])?.problems).toHaveLength(1);
  });

  test('looks for images in no folder that the spec does not name', () => {
    const ready = { name: 'ready', format: 'mllm' as const, annotations: '/rows.json' };
    const checks = (data: PipelineSpec['data']): string =>
      simulated
        .work('data', { ...facts, spec: { ...facts.spec, data } })
        .commands.map(({ argv }) => argv.join(' '))
        .join();
    expect(checks([ready])).not.toContain('--images');
    expect(checks([{ ...ready, images: { path: '/i' } }])).toContain('--images /i --report /out/check.ready.json');
  });

  test('adopts given weights and converted ones without running anything', () => {
    const given = (source: string, original?: string): StageFacts => ({
      ...facts,
      spec: { ...facts.spec, weights: { source, ...(original === undefined ? {} : { original }) } },
    });
    expect(simulated.work('weights', given('path:/mine'))).toMatchObject({
      commands: [],
      checks: [{ kind: 'modelFolder', dir: '/mine' }],
      outputs: { hf: '/mine' },
    });
    expect(simulated.work('convert', given('dcp:/dcp', '/mine'))).toMatchObject({
      commands: [],
      checks: [{ kind: 'convertedCheckpoint', dir: '/dcp' }],
      outputs: { dcp: '/dcp' },
    });
  });
});

describe('environment', () => {
  test('locks the version of Node and refuses an answer that is none', () => {
    const spec = specOf(simulated.template);
    expect(simulated.environment.read({ node: '20.20.0' }, spec, TOOLS)).toEqual({
      lock: { node: '20.20.0' },
      problems: [],
    });
    expect(simulated.environment.read('what', spec, TOOLS).problems).toHaveLength(1);
  });
});

function read(text: string): ReturnType<typeof readStoredSpec> {
  return readStoredSpec(text.replace('./workspace', '/workspace'), { recipes: RECIPES });
}

function specOf(text: string): PipelineSpec {
  const { spec, problems } = read(text);
  expect(problems).toEqual([]);
  if (spec === null) throw new Error('the template is no spec');
  return spec;
}
