import { describe, expect, it } from 'vitest';
import { launch } from '../../../src/recipes/cpu-tiny/launch.js';
import { environment } from '../../../src/recipes/cpu-tiny/environment.js';
import { OFFLINE } from '../../../src/recipes/cpu-tiny/python-command.js';
import { work } from '../../../src/recipes/cpu-tiny/work.js';
import type { LaunchFacts, ProducedStage, StageFacts } from '../../../src/recipes/recipe.js';
import type { PipelineSpec } from '../../../src/schemas/spec.js';
import { outputOf, specWith, TOOLS } from './specs.js';

const INPUTS: StageFacts['inputs'] = {
  weights: outputOf({ hf: '/w/hf' }),
  data: outputOf({ rows: '/d/a.json,/d/b.json', imageRoot: '/', questions: '/d/q.json', questionImages: '/d/shapes' }),
  convert: outputOf({ dcp: '/c/dcp' }),
  train: outputOf({ checkpoint: '/t/iter_0000400' }),
  export: outputOf({ hf: '/e/hf' }),
};

const workOf = (stage: ProducedStage, spec: PipelineSpec = specWith(), inputs = INPUTS) =>
  work(stage, { spec, tools: TOOLS, out: '/out', inputs });
/** Command lines without the interpreter's and programs' folders, which all share. */
const linesOf = (stage: ProducedStage, spec?: PipelineSpec): string[] =>
  workOf(stage, spec).commands.map(({ argv }) =>
    argv.join(' ').replaceAll('/venv/python /programs/', '').replaceAll('/bin/node /app/temper.js ', 'temper '),
  );

describe('the work of a stage', () => {
  it.each<[ProducedStage, string, unknown, readonly string[]]>([
    ['weights', '', undefined, ['make_weights.py --output /out/hf --seed 1']],
    ['weights', 'weights.source', 'path:/models/a', []],
    ['convert', '', undefined, ['convert.py hf-to-dcp --hf-dir /w/hf --save-dir /out/dcp']],
    ['convert', 'weights', { source: 'dcp:/c', original: '/o' }, []],
    [
      'export',
      '',
      undefined,
      ['convert.py dcp-to-hf --hf-dir /w/hf --dcp-dir /t/iter_0000400 --save-dir /out/hf --dtype bf16'],
    ],
    [
      'export',
      'export.dtype',
      'f32',
      ['convert.py dcp-to-hf --hf-dir /w/hf --dcp-dir /t/iter_0000400 --save-dir /out/hf --dtype keep'],
    ],
    [
      'verify',
      '',
      undefined,
      [
        'answer.py --model /w/hf --questions /d/q.json --image-root /d/shapes --output /out/before.json --images normal',
        'answer.py --model /e/hf --questions /d/q.json --image-root /d/shapes --output /out/after.json --images normal,blank,swap',
      ],
    ],
    [
      'data',
      '',
      undefined,
      [
        'make_data.py --output /out/shapes --seed 7 --train-rows 1600 --heldout-rows 50',
        'temper data convert --format llava --annotations /out/shapes/llava.json --output /out/shapes.json --images /out/shapes --media-prefix ./out/shapes --max-dropped 0% --reserved-token <|image|>',
        'temper data check /out/shapes.json --images / --world-batch 64 --report /out/check.shapes.json --allow-spaces --reserved-token <|image|>',
        'check_lengths.py --data /out/shapes.json --image-root / --seq-length 256',
      ],
    ],
    [
      'data',
      'data.0',
      { name: 'mine', format: 'llava', annotations: '/r/rows.json', maxDropped: '1%', maxSamples: 20 },
      [
        'temper data convert --format llava --annotations /r/rows.json --output /out/mine.json --max-dropped 1% --max-samples 20 --reserved-token <|image|>',
        'temper data check /out/mine.json --world-batch 64 --report /out/check.mine.json --allow-spaces --reserved-token <|image|>',
        'check_lengths.py --data /out/mine.json --image-root / --seq-length 256',
      ],
    ],
    [
      'data',
      'data.0',
      { name: 'mine', format: 'llava', annotations: '/r/rows.json', images: { path: '/i' } },
      [
        'temper data convert --format llava --annotations /r/rows.json --output /out/mine.json --images /i --media-prefix ./i --max-dropped 0.1% --reserved-token <|image|>',
        'temper data check /out/mine.json --images / --world-batch 64 --report /out/check.mine.json --allow-spaces --reserved-token <|image|>',
        'check_lengths.py --data /out/mine.json --image-root / --seq-length 256',
      ],
    ],
    [
      'data',
      'data.0',
      { name: 'ready', format: 'mllm', annotations: '/r/rows.json', images: { path: '/i' } },
      [
        'temper data check /r/rows.json --images /i --world-batch 64 --report /out/check.ready.json --allow-spaces --reserved-token <|image|>',
        'check_lengths.py --data /r/rows.json --image-root /i --seq-length 256',
      ],
    ],
    [
      'data',
      'data.0',
      { name: 'ready', format: 'mllm', annotations: '/r/rows.json' },
      [
        'temper data check /r/rows.json --world-batch 64 --report /out/check.ready.json --allow-spaces --reserved-token <|image|>',
        'check_lengths.py --data /r/rows.json --image-root / --seq-length 256',
      ],
    ],
  ])('%s with %s = %j runs its programs', (stage, path, value, lines) => {
    expect(linesOf(stage, specWith(path, value))).toEqual(lines);
  });

  it.each([
    ['path:/models/a', undefined, '/models/a'],
    ['dcp:/c', '/o', '/o'],
  ])('measures rows by the tokenizer of the given model: %s', (source, original, dir) => {
    const lines = linesOf('data', specWith('weights', { source, ...(original === undefined ? {} : { original }) }));
    expect(lines.at(-1)).toContain(`--seq-length 256 --hf-dir ${dir}`);
  });

  it('keeps the report of one data set apart from the rows of another', () => {
    const [set] = specWith().data;
    const data = ['check-shapes', 'shapes', 'convert-shapes'].map((name) => ({ ...set, name }));
    const written = workOf('data', specWith('data', data)).commands.flatMap(({ argv }) =>
      argv.filter((_word, at) => ['--output', '--report'].includes(argv[at - 1] ?? '')),
    );
    expect(written).toHaveLength(9);
    expect(new Set(written).size).toBe(9);
  });

  it('runs in its folder, offline, each step with a name of its own', () => {
    for (const stage of ['weights', 'data', 'convert', 'export', 'verify'] as const) {
      const { commands } = workOf(stage);
      expect(commands.every(({ cwd, env }) => cwd === '/out' && env === OFFLINE)).toBe(true);
      expect(new Set(commands.map(({ step }) => step)).size).toBe(commands.length);
    }
  });

  it.each<[ProducedStage, string, unknown, unknown]>([
    ['weights', '', undefined, { outputs: { hf: '/out/hf' }, checks: [{ kind: 'modelFolder', dir: '/out/hf' }] }],
    ['weights', 'weights.source', 'path:/m', { outputs: { hf: '/m' }, checks: [{ kind: 'modelFolder', dir: '/m' }] }],
    [
      'weights',
      'weights',
      { source: 'dcp:/c', original: '/o' },
      { outputs: { hf: '/o' }, checks: [{ kind: 'modelFolder', dir: '/o' }] },
    ],
    [
      'convert',
      'weights',
      { source: 'dcp:/c', original: '/o' },
      { outputs: { dcp: '/c' }, checks: [{ kind: 'convertedCheckpoint', dir: '/c', original: '/w/hf' }] },
    ],
    [
      'export',
      '',
      undefined,
      {
        outputs: { hf: '/out/hf' },
        checks: [
          {
            kind: 'sameModel',
            original: '/w/hf',
            exported: '/out/hf',
            dtype: 'bf16',
            frozen: ['visual.patch_embed', 'visual.blocks'],
          },
        ],
      },
    ],
    [
      'export',
      'train.freeze',
      { visionEncoder: false, visionProjector: true, textDecoder: true },
      { checks: [{ frozen: ['visual.merger', 'model.language_model', 'lm_head'] }] },
    ],
    [
      'data',
      '',
      undefined,
      {
        outputs: {
          rows: '/out/shapes.json',
          imageRoot: '/',
          questions: '/out/shapes/heldout.json',
          questionImages: '/out/shapes',
        },
      },
    ],
  ])('%s with %s = %j names its outputs and proofs', (stage, path, value, expected) => {
    const { outputs, checks } = workOf(stage, specWith(path, value));
    const absolute = Object.fromEntries(
      Object.entries(outputs).map(([name, one]) => [name, one.startsWith('/') ? one : `/out/${one}`]),
    );
    expect({ outputs: absolute, checks }).toMatchObject(expected as object);
  });

  it('verify loads the model without questions too', () => {
    const { files, commands } = workOf('verify', specWith(), { ...INPUTS, data: outputOf({}) });
    expect(files).toEqual([{ path: '/out/questions.json', content: '[]' }]);
    expect(commands[1]?.argv).toContain('/out/questions.json');
  });

  it('names the output that is missing', () => {
    expect(() => workOf('export', specWith(), {})).toThrow('stage weights left no output hf');
  });
});

describe('the launch', () => {
  const facts: LaunchFacts = {
    spec: specWith(),
    tools: TOOLS,
    nodeRank: 1,
    nodes: 2,
    ranksPerNode: 2,
    masterAddress: '10.0.0.1',
    masterPort: 29_500,
    address: '10.0.0.2',
    networkInterface: null,
    rankLogDir: '/logs',
    cacheDir: '/caches',
    hostDir: '/a/h1',
    loadDir: '/a/load',
    saveDir: '/a/ckpt',
    isResume: false,
    inputs: INPUTS,
  };

  it('is torchrun with static rendezvous, a log per rank, and every value of the spec', () => {
    const { argv, cwd, env, step } = launch(facts);
    expect(argv.join(' ')).toBe(
      '/venv/python -m torch.distributed.run --nnodes 2 --nproc_per_node 2 --node_rank 1 --master_addr 10.0.0.1 --master_port 29500' +
        ' --redirects 3 --log-dir /logs /programs/train.py --hf-dir /w/hf --data /d/a.json,/d/b.json --image-root / --load /a/load --save /a/ckpt' +
        ' --save-interval 100 --tensorboard-dir /a/h1/curves --train-iters 400 --micro-batch-size 16 --global-batch-size 192 --seq-length 256 --lr 0.002 --lr-warmup-fraction 0.05' +
        ' --weight-decay 0.1 --seed 11 --exit-on-missing-checkpoint --no-load-optim --no-load-rng --freeze-vision-encoder',
    );
    expect({ cwd, step }).toEqual({ cwd: '/logs', step: 'h01' });
    expect(env).toEqual({ ...OFFLINE, OMP_PROC_BIND: 'close', TRIES: '3', OMP_NUM_THREADS: '2' });
  });

  it.each<[string, Partial<LaunchFacts>, readonly string[]]>([
    ['a resume', { isResume: true }, []],
    [
      'a first launch of weights only',
      { spec: specWith('train.checkpoint.fidelity', 'weights-only') },
      ['--no-save-optim', '--no-save-rng', '--no-load-optim', '--no-load-rng'],
    ],
    [
      'a resume of weights only',
      { isResume: true, spec: specWith('train.checkpoint.fidelity', 'weights-only') },
      ['--no-save-optim', '--no-save-rng', '--no-load-optim', '--no-load-rng'],
    ],
  ])('of %s saves and loads what it can', (_what, over, flags) => {
    expect(launch({ ...facts, ...over }).argv.filter((word) => /^--no-(save|load)/.test(word))).toEqual(flags);
  });

  it('meets on the loopback interface when it has to, with one thread unless told otherwise', () => {
    expect(launch({ ...facts, masterAddress: '127.0.0.1' }).env['GLOO_SOCKET_IFNAME']).toBe('lo');
    const chosen = specWith('train.env', { GLOO_SOCKET_IFNAME: 'eth0' });
    expect(launch({ ...facts, masterAddress: '127.0.0.1', spec: chosen }).env['GLOO_SOCKET_IFNAME']).toBe('eth0');
    expect(launch({ ...facts, spec: specWith('train.threadsPerRank', undefined) }).env['OMP_NUM_THREADS']).toBe('1');
    expect(launch({ ...facts, spec: specWith('train.warmupFraction', undefined) }).argv).not.toContain(
      '--lr-warmup-fraction',
    );
    expect(() => launch({ ...facts, inputs: {} })).toThrow('stage weights left no output hf');
  });
});

describe('the environment', () => {
  it('is probed quickly and proven slowly', () => {
    expect(environment.probe(TOOLS, specWith()).argv).toEqual(['/venv/python', '/programs/probe_environment.py']);
    expect(environment.prove(TOOLS, specWith()).argv).toEqual([
      '/venv/python',
      '/programs/probe_environment.py',
      '--deep',
    ]);
  });

  const whole = { torch: '2', transformers: '5', safetensors: '0', pillow: '1', numpy: '2' };

  it.each<[unknown, object, readonly string[]]>([
    [{ ...whole, extra: null }, whole, []],
    [
      { ...whole, torch: null, numpy: null },
      { transformers: '5', safetensors: '0', pillow: '1' },
      ['the Python package torch is not installed', 'the Python package numpy is not installed'],
    ],
    ['nonsense', {}, ['the probe of the Python environment gave no answer']],
  ])('of %j has a lock and what is missing', (line, lock, problems) => {
    const answer = environment.read(line, specWith(), TOOLS);
    expect(answer.lock).toEqual(lock);
    expect(answer.problems.map(({ code, what }) => [code, what])).toEqual(
      problems.map((what) => ['EnvironmentUnfit', what]),
    );
  });
});
