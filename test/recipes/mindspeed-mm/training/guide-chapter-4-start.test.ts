import { describe, expect, it } from 'vitest';
import { stageLints } from '../../../../src/recipes/mindspeed-mm/lint.js';
import { glm45v } from '../../../../src/recipes/mindspeed-mm/recipe.js';
import { withToolkit } from '../../../../src/recipes/mindspeed-mm/toolkit-command.js';
import {
  launcherArguments,
  toWords,
  trainingArguments,
} from '../../../../src/recipes/mindspeed-mm/training/arguments.js';
import { trainingLaunch } from '../../../../src/recipes/mindspeed-mm/training/launch.js';
import { trainingLints } from '../../../../src/recipes/mindspeed-mm/training/lint.js';
import { guideFacts, guideSpec } from './support.js';

const value = (flag: string, nodeRank = 2): string | undefined => {
  const argv = toWords(launcherArguments(guideFacts(guideSpec(), { nodeRank })));
  return argv[argv.indexOf(flag) + 1];
};

describe('chapter 4 of the guide: saving with care', () => {
  it('a save is large and slow, so the interval is chosen: one at the end is refused, the plan counts the room', () => {
    const spec = guideSpec({ train: { checkpoint: { every: 10_000, keep: 3, fidelity: 'full' } } });
    expect(trainingLints(spec).map(({ id }) => id)).toContain('train/one-checkpoint');
    const of = (fidelity: string): number => {
      const train = { checkpoint: { every: 500, keep: 3, fidelity } };
      const stages = glm45v.stages(guideSpec({ weights: { source: 'hf:zai-org/GLM-4.5V' }, train }));
      return stages.find(({ name }) => name === 'train')?.resources?.diskBytes ?? 0;
    };
    expect(of('full')).toBe(3 * of('weights-only'));
    expect(of('weights-only')).toBeGreaterThan(430e9);
  });

  it('the moments that were saved are read by the export as well', () => {
    const ram = (fidelity: string): number => {
      const train = { checkpoint: { every: 500, keep: 3, fidelity } };
      const stages = glm45v.stages(guideSpec({ weights: { source: 'hf:zai-org/GLM-4.5V' }, train }));
      return stages.find(({ name }) => name === 'export')?.resources?.ramBytes ?? 0;
    };
    expect(ram('full')).toBeGreaterThan(1.2e12);
    expect(ram('weights-only')).toBeLessThan(0.5e12);
  });

  it('--log-interval is 1: each iteration is told', () => {
    const words = toWords(trainingArguments(guideFacts()));
    expect(words[words.indexOf('--log-interval') + 1]).toBe('1');
  });
});

describe('chapter 4 of the guide: one host', () => {
  it('one host can run fewer layers only: the whole model on it has to be accepted', () => {
    const alone = { fleet: { hosts: 1, npusPerHost: 16 } };
    expect(stageLints(guideSpec(alone))).toMatchObject([
      { id: 'weights/whole-model-on-one-host', severity: 'error', acceptable: true },
    ]);
    expect(stageLints(guideSpec({ ...alone, weights: { reduceLayers: 4 } }))).toEqual([]);
  });
});

describe('chapter 4 of the guide: several hosts', () => {
  it('MASTER_ADDR is the address of rank 0 for all, and never localhost', () => {
    for (const rank of [0, 7]) expect(value('--master_addr', rank)).toBe('10.0.0.1');
    expect(() => trainingLaunch(guideFacts(guideSpec(), { masterAddress: 'localhost' }), 'python')).toThrow(
      '8 hosts cannot meet at localhost',
    );
  });

  it('NODE_RANK is another one on each host, 0 on that of the address', () => {
    const ranks = Array.from({ length: 8 }, (_, rank) => value('--node_rank', rank));
    expect(ranks).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
  });

  it('NNODES and NPUS_PER_NODE are those of the fleet', () => {
    expect([value('--nnodes'), value('--nproc_per_node')]).toEqual(['8', '16']);
  });
});

describe('chapter 4 of the guide: the start', () => {
  it('set_env.sh is sourced in the process that becomes the training, at either place', () => {
    const [shell, flag, program = ''] = withToolkit(guideSpec(), ['python', '-m', 'torch.distributed.run']);
    expect([shell, flag]).toEqual(['bash', '-c']);
    const text = withToolkit(guideSpec(), []).join(' ');
    for (const folder of ['cann', 'ascend-toolkit']) expect(text).toContain(`/usr/local/Ascend/${folder}/set_env.sh`);
    expect(program).toContain('exec');
  });

  it('model_106B.sh does not exist, and the script that does is not started: torchrun is, with its program', () => {
    const { argv } = trainingLaunch(guideFacts(), 'python');
    expect(argv.slice(1, 3)).toEqual(['-m', 'torch.distributed.run']);
    expect(argv).toContain('pretrain_transformers.py');
    expect(argv.filter((word) => word.endsWith('.sh'))).toEqual([]);
  });
});
