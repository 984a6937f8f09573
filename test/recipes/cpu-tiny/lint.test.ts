import { describe, expect, it } from 'vitest';
import { readAnswers } from '../../../src/recipes/cpu-tiny/answers.js';
import { dataWork } from '../../../src/recipes/cpu-tiny/data-work.js';
import { lint } from '../../../src/recipes/cpu-tiny/lint.js';
import { specWith, TOOLS } from './specs.js';

const MLLM = { name: 'ready', format: 'mllm', annotations: '/r/rows.json' };
const SHAPES = { name: 'shapes', format: 'synthetic', rows: 1600 };

describe('the lints of the tiny recipe', () => {
  it('find nothing wrong with a sound spec', () => {
    expect(lint(specWith())).toEqual([]);
  });

  it.each<[string, unknown, readonly string[]]>([
    ['weights.source', 'hf:org/model', ['weights/hub-unsupported weights.source']],
    ['weights.source', 'modelscope:org/model', ['weights/hub-unsupported weights.source']],
    ['weights.source', 'path:/m', []],
    [
      'environment',
      { cannEnv: '/c/set_env.sh', sources: { a: { ref: 'main' } } },
      ['environment/accelerator-on-cpu environment.cannEnv', 'environment/accelerator-on-cpu environment.sources'],
    ],
    [
      'environment',
      {
        location: 'shared',
        folder: '/e',
        basePython: '/p',
        packages: { torch: '2.7.1' },
        toolkitRoot: '/t',
        checkouts: { a: '/a' },
      },
      ['folder', 'basePython', 'packages', 'checkouts', 'toolkitRoot', 'location'].map(
        (key) => `environment/accelerator-on-cpu environment.${key}`,
      ),
    ],
    ['environment', { python: '/p', offline: true }, []],
    ['weights.reduceLayers', 2, ['weights/unused-by-recipe weights.reduceLayers']],
    ['weights.localCopy', true, []],
    ['train.dataLoader', { workers: 2 }, ['train/unused-by-recipe train.dataLoader']],
    ['train.fusedMoe', false, ['train/unused-by-recipe train.fusedMoe']],
    ['train.loss', { type: 'default' }, ['train/unused-by-recipe train.loss']],
    ['train.distributedTimeout', '30m', ['train/unused-by-recipe train.distributedTimeout']],
    ['train.masterPorts', '6000', []],
    [
      'train.freeze',
      { visionEncoder: true, visionProjector: true, textDecoder: true },
      ['train/all-frozen train.freeze'],
    ],
    [
      'train.env',
      { OMP_NUM_THREADS: 4, HF_HUB_OFFLINE: 0, TRANSFORMERS_OFFLINE: 0, GLOO_SOCKET_IFNAME: 'eth0' },
      ['OMP_NUM_THREADS', 'HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE'].map(
        (name) => `env/owned-variable train.env.${name}`,
      ),
    ],
    ['train.checkpoint.every', 200, []],
    ['train.checkpoint.every', 201, ['train/one-checkpoint train.checkpoint.every']],
    ['train.checkpoint.fidelity', 'weights-only', ['train/weights-only-warmup train.checkpoint.fidelity']],
    ['data.0.rows', 64, []],
    ['data.0.rows', 63, ['data/fewer-rows-than-world-batch data']],
    ['data', [{ ...MLLM, maxSamples: 5 }], ['data/max-samples-of-ready-rows data.0.maxSamples']],
    ['workspace', '/a,b/workspace', ['data/comma-in-workspace workspace']],
    ['data', [{ ...MLLM, annotations: '/r/a,b.json' }], ['data/comma-in-path data.0.annotations']],
    ['data', [SHAPES, MLLM], []],
    ['data', [SHAPES, { ...MLLM, images: { path: '/i' } }], ['data/image-folders-differ data.1.images.path']],
    [
      'data',
      [
        { ...MLLM, images: { path: '/i' } },
        { ...MLLM, name: 'b', images: { path: '/i' } },
      ],
      [],
    ],
    [
      'data',
      [
        { ...MLLM, images: { path: '/i' } },
        { ...MLLM, name: 'b', images: { path: '/j' } },
      ],
      ['data/image-folders-differ data.0.images.path', 'data/image-folders-differ data.1.images.path'],
    ],
    [
      'data',
      [
        { ...MLLM, images: { path: '/i' } },
        { ...MLLM, name: 'text' },
      ],
      [],
    ],
  ])('say of %s = %j: %j', (path, value, expected) => {
    const found = lint(specWith(path, value));
    expect(found.map((one) => `${one.id} ${one.path.join('.')}`)).toEqual(expected);
    for (const { what, why, fix } of found) expect(what !== '' && why !== '' && fix !== '').toBe(true);
  });

  it('refuse what cannot work and warn of what is only risky', () => {
    expect(lint(specWith('train.checkpoint.every', 400))).toMatchObject([
      { severity: 'warning', acceptable: true, fix: 'set train.checkpoint.every to 100 or less' },
    ]);
    expect(lint(specWith('weights.source', 'hf:org/model'))).toMatchObject([{ severity: 'error', acceptable: false }]);
  });
});

describe('the answers of a model', () => {
  const answers = (model: string, answer: string, over = {}) => ({
    v: 1,
    model,
    total: 50,
    correct: 49,
    accuracy: 0.98,
    missingKeys: [],
    unexpectedKeys: [],
    samples: Array.from({ length: 50 }, (_, id) => ({
      id,
      question: `q${id}`,
      expected: `e${id}`,
      answer: `${answer}${id}`,
    })),
    ...over,
  });
  const files = (over = {}) => [
    answers('/w', 'old', { accuracy: 0.1 }),
    answers('/e', 'new', over),
    answers('/e', '', { accuracy: 0.3 }),
    answers('/e', '', { accuracy: 0.2 }),
  ];

  it('are told before and after, with samples from all over the file', () => {
    const { facts, problems } = readAnswers(files());
    expect(problems).toEqual([]);
    expect(facts).toMatchObject({
      questions: 50,
      accuracyBefore: 0.1,
      accuracyAfter: 0.98,
      accuracyBlankImages: 0.3,
      accuracySwappedImages: 0.2,
    });
    expect(facts).toMatchObject({
      sample1Question: 'q0',
      sample1Before: 'old0',
      sample1After: 'new0',
      sample2Question: 'q17',
      sample3Expected: 'e34',
    });
    expect(JSON.stringify(facts).length).toBeLessThan(4_096);
  });

  it('of a model that was not loaded whole are no proof', () => {
    const { problems } = readAnswers(files({ missingKeys: ['lm_head.weight'], unexpectedKeys: ['x'] }));
    expect(problems).toMatchObject([
      {
        code: 'ProofFailed',
        where: '/e',
        what: 'from_pretrained reports 2 tensors',
        evidence: ['missing lm_head.weight', 'unexpected x'],
      },
    ]);
  });

  it('may be none, but not of another form', () => {
    expect(readAnswers(files({ samples: [], total: 0 })).facts).not.toHaveProperty('sample1Question');
    expect(readAnswers(files().slice(0, 3)).problems).toMatchObject([{ code: 'ProofFailed' }]);
    expect(readAnswers(files({ v: 2 })).problems).toMatchObject([{ code: 'ProofFailed' }]);
  });
});

describe('the reports on data sets', () => {
  const { facts } = dataWork({ spec: specWith(), tools: TOOLS, out: '/out', inputs: {} });

  it('are added up', () => {
    const report = { rows: 10, textOnly: 2, distinctImages: 8 };
    expect(facts?.([report, report])).toEqual({ facts: { rows: 20, textOnly: 4, images: 16 }, problems: [] });
    expect(facts?.([{ rows: '10' }])).toMatchObject({ problems: [{ code: 'ProofFailed' }] });
  });
});
