import { describe, expect, it } from 'vitest';
import { glm45v } from '../../../../src/recipes/mindspeed-mm/recipe.js';
import type { Command, StageFacts, StageOutput } from '../../../../src/recipes/recipe.js';
import { guideSpec } from '../training/support.js';

const [ORIGINAL, CHECKPOINT] = ['/store/weights/hf', '/runs/r/attempts/0001/ckpt/iter_0010000'];
const TOOLS = { python: '/env/venv/bin/python', node: '/node', temper: '/t', programs: '/p', cpus: 1 };
const output = (outputs: Record<string, string>, facts: StageOutput['facts'] = {}): StageOutput => ({
  dir: '/store',
  outputs,
  facts,
});

function factsOf(over: Readonly<Record<string, unknown>> = {}, original = ORIGINAL): StageFacts {
  return {
    spec: guideSpec(over),
    tools: { ...TOOLS, environment: '/env' },
    out: '/out',
    inputs: {
      weights: output({ hf: ORIGINAL }, { bytes: 215e9 }),
      convert: output({ hf: original }),
      train: output({ checkpoint: CHECKPOINT }),
      export: output({ hf: '/export/hf' }),
    },
  };
}

/** The words after the toolkit's environment, and those of Temper's own commands after its name. */
function words({ argv }: Command): string {
  const own = argv.indexOf('/t');
  return (own >= 0 ? argv.slice(own + 1) : argv.slice(argv.lastIndexOf('--', argv.length - 9) + 1)).join(' ');
}
const exporting = (over: object = {}, original?: string) => glm45v.work('export', factsOf({ ...over }, original));
const steps = ({ commands }: { commands: readonly Command[] }) => commands.map(({ step }) => step);

describe('the guide, 4.1', () => {
  it('environment, weights and data come before the training, and the plan says so', () => {
    const train = glm45v.stages(guideSpec()).find(({ name }) => name === 'train');
    expect(train?.needs).toEqual(['environment', 'weights', 'convert', 'data', 'check']);
  });
});

describe('the guide, 4.4', () => {
  it('mm-convert ExpertMergeDcpConverter dcp_to_hf --hf_dir … --dcp_dir … --save_dir …', () => {
    const [split] = exporting().commands;
    expect(split === undefined ? '' : words(split)).toContain(
      `/env/venv/bin/mm-convert ExpertMergeDcpConverter dcp_to_hf --hf_dir ${ORIGINAL} --dcp_dir ${CHECKPOINT} --save_dir /out/hf-f32`,
    );
  });

  it('--hf_dir is the original that was converted: with fewer layers the smaller one', () => {
    const [split] = exporting({ weights: { reduceLayers: 4 } }, '/store/convert/hf').commands;
    expect(split?.argv).toContain('/store/convert/hf');
  });

  it('--dcp_dir is the folder of the iteration, seven digits and not its parent', () => {
    expect(glm45v.checkpoint.iterationFolder(10_000)).toBe('iter_0010000');
    expect(exporting().commands[0]?.argv).toContain(CHECKPOINT);
  });

  it('what the guide does not say: the weights come out in F32, so they are told, proven and cast back', () => {
    const work = exporting();
    expect(steps(work)).toEqual(['dcp-to-hf', 'tell-dtype', 'prove-trained', 'cast']);
    expect(work.commands.slice(1).map(words)).toEqual([
      `model cast /out/hf-f32 --like ${ORIGINAL} --dtype f32`,
      `export verify --original ${ORIGINAL} --exported /out/hf-f32 --dtype f32 --deep --frozen visual.patch_embed visual.blocks visual.merger`,
      `model cast /out/hf-f32 --like ${ORIGINAL} --dtype bf16 --output /out/hf --remove-source`,
    ]);
    expect(work.checks).toEqual([
      {
        kind: 'sameModel',
        original: ORIGINAL,
        exported: '/out/hf',
        dtype: 'bf16',
        frozen: ['visual.patch_embed', 'visual.blocks', 'visual.merger'],
        mayBeEqual: true,
      },
    ]);
  });

  it('asked for F32, they stay as trained, and config.json says so', () => {
    const work = exporting({ export: { dtype: 'f32' } });
    expect(steps(work)).toEqual(['dcp-to-hf', 'tell-dtype']);
    expect(work.commands[0]?.argv.at(-1)).toBe('/out/hf');
    expect(work.checks).toMatchObject([{ kind: 'sameModel', dtype: 'f32', mayBeEqual: false }]);
  });

  it('where nothing is frozen, nothing is looked for', () => {
    const all = { visionEncoder: false, visionProjector: false, textDecoder: false };
    const proof = exporting({ train: { freeze: all } }).commands.find(({ step }) => step === 'prove-trained');
    expect(proof?.argv).not.toContain('--frozen');
  });

  it('afterwards the model can be used: whole, with configuration and tokenizer', () => {
    const { checks, commands } = glm45v.work('verify', factsOf());
    expect(commands).toEqual([]);
    expect(checks).toEqual([
      { kind: 'modelFolder', dir: '/export/hf' },
      { kind: 'filesExist', paths: ['/export/hf/config.json', '/export/hf/tokenizer_config.json'] },
    ]);
  });

  it('inference of your own is tried with the environment of the toolkit, on a host that nobody else uses', () => {
    const smoke = { command: ['{{python}}', '/mnt/ask.py', '--model={{model}}'], timeout: '30m' };
    const [command] = glm45v.work('verify', factsOf({ export: { smoke } })).commands;
    expect(command?.argv.slice(-3)).toEqual(['/env/venv/bin/python', '/mnt/ask.py', '--model=/export/hf']);
    expect(command?.argv.length).toBeGreaterThan(3);
    expect(command).toMatchObject({ step: 'smoke', limit: { ms: 1_800_000 }, env: { HF_HUB_OFFLINE: '1' } });
    const verify = (over: Readonly<Record<string, unknown>>) =>
      glm45v.stages(guideSpec(over)).find(({ name }) => name === 'verify');
    expect(verify({})).toMatchObject({ placement: 'anyHost', parameters: {} });
    expect(verify({ export: { smoke } })).toMatchObject({
      placement: 'oneHost',
      parameters: { smoke: smoke.command },
      timeoutMs: 3_600_000 + 1_800_000,
    });
  });

  it('a smoke command must be given the model', () => {
    expect(() => guideSpec({ export: { smoke: { command: ['true'] } } })).toThrow(/one part must hold \{\{model\}\}/);
  });
});
