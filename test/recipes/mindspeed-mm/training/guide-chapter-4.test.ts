import { describe, expect, it } from 'vitest';
import { toWords, trainingArguments } from '../../../../src/recipes/mindspeed-mm/training/arguments.js';
import { dataFile } from '../../../../src/recipes/mindspeed-mm/training/data-file.js';
import type { TrainingFacts } from '../../../../src/recipes/mindspeed-mm/training/facts.js';
import { fidelityArguments } from '../../../../src/recipes/mindspeed-mm/training/fidelity.js';
import { launchReasons, masterPorts, trainingLaunch } from '../../../../src/recipes/mindspeed-mm/training/launch.js';
import { trainingLints } from '../../../../src/recipes/mindspeed-mm/training/lint.js';
import { modelFile } from '../../../../src/recipes/mindspeed-mm/training/model-file.js';
import { stageLints } from '../../../../src/recipes/mindspeed-mm/lint.js';
import { knownRevision, revisionOf } from '../../../../src/recipes/mindspeed-mm/revisions.js';
import { sourcesOf } from '../../../../src/recipes/mindspeed-mm/sources.js';
import { guideFacts, guideSpec } from './support.js';

const CHECKPOINT = { every: 500, keep: 3, fidelity: 'full' };

function words(facts: TrainingFacts = guideFacts()): string[] {
  return toWords(trainingArguments(facts));
}

function value(flag: string, facts: TrainingFacts = guideFacts()): string | undefined {
  const { argv } = trainingLaunch(facts, 'python');
  return argv[argv.indexOf(flag) + 1];
}

describe('chapter 4 of the guide: configuration of the data', () => {
  it('model_name_or_path is the original model, before conversion', () => {
    expect(dataFile(guideFacts())).toMatchObject({
      dataset_param: { preprocess_parameters: { model_name_or_path: '/mnt/models/GLM-4.5V' } },
    });
  });

  it('dataset is taken from the working directory and not from dataset_dir, so it is a whole path', () => {
    expect(dataFile(guideFacts())).toMatchObject({
      dataset_param: { basic_parameters: { dataset: '/mnt/data/rows.json', dataset_dir: '/mnt/data/images' } },
    });
  });

  it('several data sets are joined by a comma without spaces', () => {
    const facts = guideFacts(guideSpec(), { data: { files: ['/d/a.json', '/d/b.json'], mediaDir: '/', rows: null } });
    expect(dataFile(facts)).toMatchObject({ dataset_param: { basic_parameters: { dataset: '/d/a.json,/d/b.json' } } });
    const bad = guideFacts(guideSpec(), { data: { files: ['/d/a,b.json'], mediaDir: '/', rows: null } });
    expect(() => dataFile(bad)).toThrow(/holds a (comma|space)/);
  });

  it('cache_dir is never one mount for several hosts', () => {
    expect(dataFile(guideFacts())).toMatchObject({
      dataset_param: { basic_parameters: { cache_dir: '/scratch/caches/datasets-of-training' } },
    });
  });

  it('max_samples is left out for the whole data', () => {
    expect(dataFile(guideFacts())).toMatchObject({ dataset_param: { basic_parameters: { max_samples: null } } });
  });

  it('streaming sets streaming and the sampler, reads with no workers, and must be accepted because it cannot resume', () => {
    const facts = guideFacts(guideSpec({ train: { dataLoader: { streaming: true } } }));
    expect(dataFile(facts)).toMatchObject({
      dataset_param: { basic_parameters: { streaming: true } },
      dataloader_param: { sampler_type: 'stateful_distributed_sampler' },
    });
    expect(value('--num-workers', facts)).toBe('0');
    expect(trainingLints(facts.spec)).toMatchObject([{ id: 'data/streaming-no-resume', acceptable: true }]);
    expect(JSON.stringify(dataFile(guideFacts()))).not.toContain('streaming');
  });

  it('preprocessing on the fly is said only where it is asked for', () => {
    const facts = guideFacts(guideSpec({ train: { dataLoader: { preprocessOnFly: true, preprocessWorkers: 4 } } }));
    expect(dataFile(facts)).toMatchObject({
      dataset_param: { basic_parameters: { preprocess_on_fly: true, preprocessing_num_workers: 4 } },
    });
    expect(JSON.stringify(dataFile(guideFacts()))).not.toContain('on_fly');
  });
});

describe('chapter 4 of the guide: loading, saving, logging', () => {
  it('the load path is the view of the attempt, the save path its own folder', () => {
    expect([value('--load'), value('--save')]).toEqual(['/attempt/load', '/attempt/ckpt']);
  });

  it('the save interval is that of the spec, and the log tells each iteration', () => {
    expect([value('--save-interval'), value('--log-interval')]).toEqual(['500', '1']);
  });

  it.each([
    ['full', false, ['--no-load-optim', '--no-load-rng']],
    ['full', true, []],
    ['weights-only', false, ['--no-load-optim', '--no-load-rng', '--no-save-optim', '--no-save-rng']],
    ['weights-only', true, ['--no-load-optim', '--no-load-rng', '--no-save-optim', '--no-save-rng']],
  ])('fidelity %s, resume %j: %j, each of the four with its reason', (fidelity, isResume, flags) => {
    const spec = guideSpec({ train: { checkpoint: { ...CHECKPOINT, fidelity } } });
    const facts = guideFacts(spec, { isResume });
    expect(words(facts).filter((word) => /^--no-(load|save)-/.test(word))).toEqual(flags);
    const four = fidelityArguments(facts);
    expect(four.map(({ flag }) => flag)).toEqual([
      '--no-load-optim',
      '--no-load-rng',
      '--no-save-optim',
      '--no-save-rng',
    ]);
    const reasons = launchReasons(facts).arguments;
    for (const { flag, reason, isGiven } of four) {
      expect(reasons[flag]).toBe(reason);
      expect(reason.startsWith('left out')).toBe(!isGiven);
    }
  });

  it('a given checkpoint that was trained with other values may have another schedule', () => {
    const spec = guideSpec({ train: { fromCheckpoint: '/old/iter_0000500' } });
    expect(words(guideFacts(spec, { isResume: true }))).toContain('--override-opt_param-scheduler');
    expect(words(guideFacts(spec))).not.toContain('--override-opt_param-scheduler');
    expect(words(guideFacts(guideSpec(), { isResume: true }))).not.toContain('--override-opt_param-scheduler');
  });

  it('a missing checkpoint ends the run instead of training from random weights', () => {
    expect(words()).toContain('--exit-on-missing-checkpoint');
  });

  it('the weights are made on the meta device, because of their size', () => {
    expect(words()).toContain('--init-model-with-meta-device');
  });

  it('curves go into a folder of the attempt', () => {
    expect(value('--tensorboard-dir')).toBe('/attempt/h2/tensorboard');
  });
});

describe('chapter 4 of the guide: the model file', () => {
  it('init_from_hf_path is the folder that the data file and the converter use', () => {
    const facts = guideFacts();
    expect(modelFile(facts)).toMatchObject({ init_from_hf_path: facts.folders.hf });
    expect(JSON.stringify(dataFile(facts))).toContain(`"model_name_or_path":"${facts.folders.hf}"`);
  });

  it('layer counts are without effect and stay as in the example, whatever the spec says', () => {
    const small = guideSpec({ fleet: { hosts: 1, npusPerHost: 8 } });
    expect(modelFile(guideFacts(small))).toMatchObject({
      image_encoder: { vision_encoder: { num_layers: 24 } },
      text_decoder: { num_layers: 46, hidden_size: 12_288 },
    });
  });

  it('use_npu_fused_moe is on unless the spec turns it off', () => {
    expect(modelFile(guideFacts())).toMatchObject({ text_decoder: { use_npu_fused_moe: true } });
    const off = guideSpec({ train: { fusedMoe: false } });
    expect(modelFile(guideFacts(off))).toMatchObject({ text_decoder: { use_npu_fused_moe: false } });
    expect(trainingLints(off)).toMatchObject([{ id: 'train/fused-moe-off', severity: 'warning' }]);
  });
});

describe('chapter 4 of the guide: one host and several', () => {
  const alone = guideFacts(guideSpec({ fleet: { hosts: 1, npusPerHost: 16 } }), {
    nodeRank: 0,
    masterAddress: 'localhost',
    masterPort: 29_501,
  });

  it('one host meets itself at port 29501, as rank 0 of one', () => {
    expect(masterPorts(1)[0]).toBe(29_501);
    expect(['--nnodes', '--node_rank', '--master_addr', '--nproc_per_node'].map((flag) => value(flag, alone))).toEqual([
      '1',
      '0',
      'localhost',
      '16',
    ]);
  });

  it('several hosts try port 6000 first, then its neighbours', () => {
    expect(masterPorts(8).slice(0, 3)).toEqual([6_000, 6_001, 6_002]);
  });

  it('the world is devices per host times hosts, and the global batch follows from it', () => {
    expect(value('--global-batch-size')).toBe('128');
    expect(value('--global-batch-size', alone)).toBe('16');
    const spec = guideSpec({ train: { microBatchSize: 2, gradientAccumulation: 4 } });
    expect(value('--global-batch-size', guideFacts(spec))).toBe('1024');
  });

  it('hosts with 8 devices train too: twice as many give the same world', () => {
    const spec = guideSpec({ fleet: { hosts: 16, npusPerHost: 8 } });
    expect([value('--nproc_per_node', guideFacts(spec)), value('--global-batch-size', guideFacts(spec))]).toEqual([
      '8',
      '128',
    ]);
  });

  it('the interface of the training address is named to both libraries, by its exact name', () => {
    const { env } = trainingLaunch(guideFacts(), 'python');
    expect([env['HCCL_SOCKET_IFNAME'], env['GLOO_SOCKET_IFNAME']]).toEqual(['=enp1s0', 'enp1s0']);
    const unknown = trainingLaunch(guideFacts(guideSpec(), { networkInterface: null }), 'python').env;
    expect(unknown['GLOO_SOCKET_IFNAME']).toBeUndefined();
    const stated = guideSpec({ train: { env: { HCCL_SOCKET_IFNAME: 'bond0', HCCL_CONNECT_TIMEOUT: 600 } } });
    expect(trainingLaunch(guideFacts(stated), 'python').env).toMatchObject({
      HCCL_SOCKET_IFNAME: 'bond0',
      HCCL_CONNECT_TIMEOUT: '600',
    });
  });

  it('caches and logs of a host are on its own disk, and nothing is asked of a hub', () => {
    const { env } = trainingLaunch(guideFacts(), 'python');
    expect(env).toMatchObject({
      HF_HOME: '/scratch/caches/huggingface',
      HF_DATASETS_CACHE: '/scratch/caches/huggingface-datasets',
      ASCEND_CACHE_PATH: '/scratch/caches/ascend-cache',
      ASCEND_PROCESS_LOG_PATH: '/scratch/plog/1',
      HF_HUB_OFFLINE: '1',
      HF_DATASETS_OFFLINE: '1',
      TRANSFORMERS_OFFLINE: '1',
    });
  });
});

describe('chapter 4 of the guide: the start', () => {
  it('the way of averaging the loss has to be chosen', () => {
    const spec = guideSpec({ train: { loss: undefined } });
    expect(trainingLints(spec)).toMatchObject([{ id: 'train/loss-required', severity: 'error', acceptable: false }]);
  });

  it.each([
    ['per_token_loss', '--calculate-per-token-loss'],
    ['per_sample_loss', '--calculate-per-sample-loss'],
    ['default', null],
  ])('%s is said once, in the way of the revision', (type, flag) => {
    const spec = guideSpec({ train: { loss: { type } } });
    const [pinned, guideEra] = ['840612c', '5ab7476'].map((ref) => guideFacts(spec, { revision: revisionOf(ref) }));
    if (pinned === undefined || guideEra === undefined) throw new Error('two revisions');
    expect(modelFile(pinned)).toMatchObject({ loss_cfg: { loss_type: type } });
    expect(words(pinned).filter((word) => word.startsWith('--calculate'))).toEqual([]);
    expect(JSON.stringify(modelFile(guideEra))).not.toContain('loss_type');
    expect(words(guideEra).filter((word) => word.startsWith('--calculate'))).toEqual(flag === null ? [] : [flag]);
  });

  it('the commit four days after the guide has its loss and its freezing, and the fused operators', () => {
    const spec = guideSpec({ environment: { sources: { mindspeedMm: { ref: 'a23f1fe6' } } } });
    const facts = guideFacts(spec);
    expect(words(facts)).toContain('--calculate-per-token-loss');
    expect(JSON.stringify(modelFile(facts))).not.toContain('loss_type');
    expect(facts.revision.freezesOutputLayer).toBe(false);
    expect([...trainingLints(spec), ...stageLints(spec)]).toEqual([]);
  });

  it.each(['5ab747', 'master', '26.0.0', '0dc6b94f', 'a23f1fe7'])('refuses %s until it is accepted', (ref) => {
    expect(stageLints(guideSpec({ environment: { sources: { mindspeedMm: { ref } } } }))).toMatchObject([
      { id: 'environment/unknown-revision', severity: 'error', acceptable: true },
    ]);
  });

  it('an id is the same in capitals', () => {
    const spec = guideSpec({ environment: { sources: { mindspeedMm: { ref: '5AB74768' } } } });
    expect(stageLints(spec)).toEqual([]);
    expect(guideFacts(spec).revision.name).toBe('guide-era');
    expect(sourcesOf(spec).mindspeedMm.ref).toMatch(/^5ab74768ada91c79/);
  });

  it('an unknown revision is taken for one after the default', () => {
    expect(knownRevision('1234567')).toBeNull();
    expect(knownRevision('840612')).toBeNull();
    expect(revisionOf('main')).toMatchObject({ commit: 'main', lossIn: 'modelFile' });
    expect(revisionOf(undefined).commit).toMatch(/^840612c5/);
  });

  it('everything runs in the root of the checkout', () => {
    const { cwd, argv } = trainingLaunch(guideFacts(), '/venv/bin/python');
    expect(cwd).toBe('/opt/MindSpeed-MM');
    expect(argv.slice(0, 3)).toEqual(['/venv/bin/python', '-m', 'torch.distributed.run']);
    expect(argv).toContain('pretrain_transformers.py');
  });
});
