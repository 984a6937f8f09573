import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { verifyCheckpoint } from '../../../../src/host/checkpoint/verify.js';
import { planFromText } from '../../../../src/recipes/plan-from-text.js';
import { glm45v } from '../../../../src/recipes/mindspeed-mm/recipe.js';
import { RELEASED_BYTES } from '../../../../src/recipes/mindspeed-mm/sizes.js';
import type { LaunchFacts, StageFacts } from '../../../../src/recipes/recipe.js';
import { copyFixture } from '../../../host/checkpoint/fixtures.js';
import { guideSpec } from '../training/support.js';

const TOOLS = {
  python: '/env/venv/bin/python',
  node: '/node',
  temper: '/t',
  programs: '/p',
  cpus: 1,
  environment: '/env',
};
const HF = '/store/weights/hf';

function factsOf(weights: object, bytes: number | null = RELEASED_BYTES): StageFacts {
  const facts = bytes === null ? {} : { bytes, layers: 46 };
  return {
    spec: guideSpec({ weights }),
    tools: TOOLS,
    out: '/store/convert/out',
    inputs: { weights: { dir: '/store/weights', outputs: { hf: HF }, facts } },
  };
}

/** The words after the toolkit's environment: what upstream's own command line is. */
function upstreamWords(argv: readonly string[]): string {
  return argv.slice(argv.lastIndexOf('--', argv.indexOf('/env/venv/bin/mm-convert')) + 1).join(' ');
}

describe('the guide, 2.1', () => {
  it('the weights come from the Hugging Face model zai-org/GLM-4.5V', () => {
    const { commands, outputs } = glm45v.work('weights', {
      ...factsOf({ source: 'hf:zai-org/GLM-4.5V' }),
      out: '/out',
    });
    expect(commands.map(({ step }) => step)).toEqual(['fetch-weights', 'inspect']);
    expect(commands[0]?.argv).toEqual(expect.arrayContaining(['fetch', 'hf:zai-org/GLM-4.5V', '--model']));
    expect(outputs['hf']).toBe('/out/hf');
  });

  it('ModelScope has the same model under another owner', () => {
    const { commands } = glm45v.work('weights', factsOf({ source: 'modelscope:zai-org/GLM-4.5V' }));
    expect(commands[0]?.argv).toContain('modelscope:ZhipuAI/GLM-4.5V');
  });

  it('weights that are on disk are used where they lie', () => {
    const { commands, outputs } = glm45v.work('weights', factsOf({ source: 'path:/mnt/GLM-4.5V' }));
    expect(commands.map(({ step }) => step)).toEqual(['inspect']);
    expect(outputs).toEqual({ hf: '/mnt/GLM-4.5V' });
  });

  it('another model, quantised weights and a wrong number of layers are refused before the weights are fetched', () => {
    const { commands } = glm45v.work('weights', factsOf({ source: 'hf:zai-org/GLM-4.5V', reduceLayers: 4 }));
    const wish = ['--type', 'glm4v_moe', '--section', 'text_config', '--layers', '4'];
    for (const { argv } of commands) expect(argv.join(' ')).toContain(wish.join(' '));
  });

  it('ckpt/hf_path/GLM-4.5V is the output hf of the stage weights: converter, model file and data file name that folder', () => {
    const facts = factsOf({ source: 'hf:zai-org/GLM-4.5V' });
    const hf = glm45v.work('weights', { ...facts, out: '/store/weights' }).outputs['hf'];
    expect(hf).toBe(HF);
    const convert = glm45v.work('convert', facts);
    expect(upstreamWords(convert.commands[0]?.argv ?? [])).toContain(`--hf_dir ${HF} `);
    expect(convert.outputs['hf']).toBe(HF);
    const [model, data] = ['model.json', 'data.json'].map((name) => {
      const file = glm45v.training.files?.(launchFacts(facts)).find(({ path }) => path.endsWith(name));
      return JSON.parse(file?.content ?? 'null') as unknown;
    });
    expect(model).toMatchObject({ init_from_hf_path: HF });
    expect(data).toMatchObject({ dataset_param: { preprocess_parameters: { model_name_or_path: HF } } });
  });

  it('mm-convert ExpertMergeDcpConverter hf_to_dcp --hf_dir … --save_dir …', () => {
    const { commands } = glm45v.work('convert', factsOf({ source: 'path:/mnt/GLM-4.5V' }));
    expect(commands).toHaveLength(1);
    expect(upstreamWords(commands[0]?.argv ?? [])).toBe(
      `/env/venv/bin/mm-convert ExpertMergeDcpConverter hf_to_dcp --hf_dir ${HF} --save_dir /store/convert/out/dcp`,
    );
    expect(commands[0]?.cwd).toBe('/env/MindSpeed-MM');
  });

  it('ckpt/mm_path/GLM-4.5V is the output dcp of the stage convert: a tracker beside release/ with metadata and one shard', async () => {
    expect(glm45v.work('convert', factsOf({ source: 'path:/mnt/GLM-4.5V' })).outputs['dcp']).toBe('dcp');
    const dcp = await copyFixture('dcp-release');
    expect((await readdir(dcp)).toSorted()).toEqual(['latest_checkpointed_iteration.txt', 'release']);
    expect((await readdir(join(dcp, 'release'))).toSorted()).toEqual(['.metadata', '__0_0.distcp']);
    const isComplete = async () => (await verifyCheckpoint(dcp, { layout: glm45v.checkpoint.layout })).complete;
    expect(await isComplete()).toBe(true);
    await rm(join(dcp, 'release/.metadata'));
    expect(await isComplete()).toBe(false);
  });

  it('the experts get other names: merged shapes and formats are proven from the headers of the original', () => {
    const { checks } = glm45v.work('convert', factsOf({ source: 'path:/mnt/GLM-4.5V' }));
    expect(checks).toEqual([{ kind: 'convertedCheckpoint', dir: '/store/convert/out/dcp', original: HF }]);
  });

  it('the conversion needs the disk of the weights and twice their size in memory, from the real size', () => {
    const { resources } = glm45v.work('convert', factsOf({ source: 'path:/mnt/GLM-4.5V' }));
    expect(resources?.diskBytes).toBe(RELEASED_BYTES);
    expect(resources?.ramBytes).toBeGreaterThanOrEqual(2 * RELEASED_BYTES);
    expect(glm45v.work('convert', factsOf({ source: 'path:/tiny' }, 1_000)).resources?.diskBytes).toBe(1_000);
  });

  it('the plan knows these sizes for a model that is still on a hub', () => {
    const { plan } = planFromText(glm45v.template.replace('./workspace', '/ws'), 'r', []);
    const stage = (name: string) => plan?.stages.find((one) => one.name === name)?.resources;
    expect(stage('weights')?.diskBytes).toBe(215e9);
    expect(stage('convert')).toMatchObject({ diskBytes: 215e9, ramBytes: expect.closeTo(431.5e9, -9) });
    expect(stage('export')?.diskBytes).toBe(430e9 + 215e9);
  });

  it('--init-model-with-meta-device is needed and given', () => {
    expect(launch(factsOf({ source: 'path:/mnt/GLM-4.5V' }))).toContain('--init-model-with-meta-device');
  });

  it('LOAD_PATH is where the converted weights are: the load view of the first attempt', () => {
    expect(launch(factsOf({ source: 'path:/mnt/GLM-4.5V' })).join(' ')).toContain('--load /attempt/load ');
    expect(glm45v.checkpoint.converted).toEqual({ folder: 'release', tracker: 'release' });
  });

  it('a ready checkpoint is verified against its original instead', () => {
    const facts = factsOf({ source: 'dcp:/mnt/dcp', original: HF });
    expect(glm45v.work('convert', facts)).toMatchObject({
      commands: [],
      checks: [{ kind: 'convertedCheckpoint', dir: '/mnt/dcp', original: HF }],
      outputs: { dcp: '/mnt/dcp', hf: HF },
    });
  });
});

describe('the guide, 4.2: fewer layers', () => {
  it('are taken out of the Hugging Face folder, since layer counts in the model file have no effect', () => {
    const { commands, checks, outputs, resources } = glm45v.work(
      'convert',
      factsOf({ source: 'path:/mnt/GLM-4.5V', reduceLayers: 4 }),
    );
    expect(commands.map(({ step }) => step)).toEqual(['reduce', 'hf-to-dcp']);
    expect(commands[0]?.argv.slice(2)).toEqual([
      ...['model', 'reduce', HF, '--layers', '4', '--output', '/store/convert/out/hf'],
    ]);
    expect(upstreamWords(commands[1]?.argv ?? [])).toContain('--hf_dir /store/convert/out/hf ');
    expect(checks[0]).toEqual({ kind: 'modelFolder', dir: '/store/convert/out/hf' });
    expect(outputs).toEqual({ dcp: 'dcp', hf: 'hf' });
    expect(resources?.diskBytes).toBeLessThan(RELEASED_BYTES / 2);
  });

  it('are for one host, and the whole model is not', () => {
    const lints = (weights: object) => glm45v.lint(guideSpec({ fleet: { hosts: 1 }, weights })).map(({ id }) => id);
    expect(lints({ source: 'path:/m' })).toContain('weights/whole-model-on-one-host');
    expect(lints({ source: 'path:/m', reduceLayers: 4 })).not.toContain('weights/whole-model-on-one-host');
    // 46 are all layers of the released model.
    expect(lints({ source: 'path:/m', reduceLayers: 45 })).not.toContain('weights/whole-model-on-one-host');
    expect(lints({ source: 'path:/m', reduceLayers: 46 })).toContain('weights/whole-model-on-one-host');
  });

  it('are downloaded with all others, and the plan says so', () => {
    const text = glm45v.template.replace('./workspace', '/ws').replace('# reduceLayers: 4', 'reduceLayers: 4');
    const stages = planFromText(text, 'r', []).plan?.stages ?? [];
    const disk = (name: string) => stages.find((one) => one.name === name)?.resources.diskBytes;
    expect(disk('weights')).toBe(RELEASED_BYTES);
    // Five of 46 parts, as a folder and as a checkpoint.
    expect(disk('convert')).toBeCloseTo((2 * RELEASED_BYTES * 5) / 46, -6);
  });
});

function launch(facts: StageFacts): readonly string[] {
  return glm45v.training.launch(launchFacts(facts)).argv;
}

function launchFacts({ spec }: StageFacts): LaunchFacts {
  const output = (outputs: Record<string, string>) => ({ dir: '/', outputs, facts: {} });
  return {
    ...{ spec, tools: TOOLS, nodeRank: 0, nodes: 8, ranksPerNode: 16, masterAddress: '10.0.0.1', masterPort: 6000 },
    ...{
      address: '10.0.0.1',
      networkInterface: 'eth0',
      rankLogDir: '/logs',
      cacheDir: '/cache',
      hostDir: '/attempt/h1',
    },
    ...{ loadDir: '/attempt/load', saveDir: '/attempt/ckpt', isResume: false },
    inputs: { convert: output({ hf: HF, dcp: '/dcp' }), data: output({ 'rows.0': '/rows.json', imageRoot: '/' }) },
  };
}
