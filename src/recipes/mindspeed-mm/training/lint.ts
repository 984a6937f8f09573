import { unloadable } from '../../../domain/data/loader-path.js';
import { portsOf } from '../../../domain/gang/master-ports.js';
import { resumeLints } from '../../../domain/checkpoints/resume-contract-lint.js';
import { durationMs } from '../../../schemas/units.js';
import type { PipelineSpec } from '../../../schemas/spec.js';
import type { Lint } from '../../recipe.js';
import { revisionOf } from '../revisions.js';
import { frozenNames, saidFrozen } from './frozen.js';
import { environmentLints } from './lint-environment.js';
import { resume } from './resume.js';

/** What is wrong or risky in the training of a spec: the traps of the example that a spec shows by itself. */
export function trainingLints(spec: PipelineSpec): readonly Lint[] {
  return [
    ...lossLints(spec),
    ...freezeLints(spec),
    ...checkpointLints(spec),
    ...resumeLints(spec, resume.schedule(spec)),
    ...scheduleLints(spec),
    ...loaderLints(spec),
    ...workspaceLints(spec),
    ...launchLints(spec),
    ...fusedLints(spec),
    ...environmentLints(spec),
  ];
}

function lossLints({ train }: PipelineSpec): Lint[] {
  if (train.loss !== undefined) return [];
  return [
    refuse('train/loss-required', ['train', 'loss'], {
      what: 'train.loss.type is not said',
      why: 'how the loss is averaged changes what is learnt: per token, long answers count more than short ones; per sample, all answers count the same; default averages within each rank first',
      fix: 'set train.loss.type to per_token_loss, per_sample_loss or default',
    }),
  ];
}

function freezeLints(spec: PipelineSpec): Lint[] {
  const { visionEncoder, visionProjector, textDecoder } = spec.train.freeze;
  if (!(visionEncoder && visionProjector && textDecoder)) return outputLayerLints(spec);
  return [
    refuse('train/all-frozen', ['train', 'freeze'], {
      what: 'every part of the model is frozen, the output layer with the text decoder',
      why: 'nothing that is meant to learn would learn',
      fix: 'set at least one of train.freeze.visionEncoder, visionProjector, textDecoder to false',
    }),
  ];
}

/** What a revision says that it froze and does not. */
function outputLayerLints(spec: PipelineSpec): Lint[] {
  const learning = saidFrozen(spec).filter((name) => !frozenNames(spec).includes(name));
  if (learning.length === 0) return [];
  return [
    warn('train/output-layer-learns', ['train', 'freeze', 'textDecoder'], {
      what: `at this commit of MindSpeed-MM ${learning.join(', ')} learns, although the text decoder is frozen`,
      why: 'it freezes below the part of the model that the output layer is not in, and its log says otherwise',
      fix: 'remove environment.sources.mindspeedMm, or name commit 840612c5 or a later one',
    }),
  ];
}

function checkpointLints({ train }: PipelineSpec): Lint[] {
  const { every, fidelity } = train.checkpoint;
  const lints: Lint[] = [];
  if (every > train.iterations / 2) {
    lints.push({
      id: 'train/one-checkpoint',
      severity: every >= train.iterations ? 'error' : 'warning',
      acceptable: true,
      path: ['train', 'checkpoint', 'every'],
      what: `a checkpoint every ${every} of ${train.iterations} iterations leaves one to go back to, at the end`,
      why: 'any failure before it loses the whole training',
      fix: `set train.checkpoint.every to ${Math.max(1, Math.floor(train.iterations / 4))} or less`,
    });
  }
  if (fidelity === 'weights-only' && every < train.iterations) {
    lints.push(
      warn('train/weights-only-resume', ['train', 'checkpoint', 'fidelity'], {
        what: 'checkpoints hold weights only',
        why: 'after a restart the optimizer begins from zero moments and the learning rate from its start',
        fix: 'use fidelity full where the disk holds three times as much',
      }),
    );
  }
  return lints;
}

function scheduleLints({ train }: PipelineSpec): Lint[] {
  if (train.warmupFraction !== 1) return [];
  return [
    refuse('train/warmup-whole-run', ['train', 'warmupFraction'], {
      what: 'the learning rate would rise during the whole training',
      why: 'the scheduler refuses a warm-up that is not shorter than the training, after the model is loaded',
      fix: 'use a share below 1, such as 0.1',
    }),
  ];
}

/** Pixels of one image token: patches of 14 x 14, merged 2 x 2. */
const PIXELS_PER_TOKEN = 28 * 28;

function loaderLints({ train }: PipelineSpec): Lint[] {
  const loader = train.dataLoader;
  if (loader === undefined) return [];
  const lints: Lint[] = [];
  if (loader.streaming === true) {
    lints.push({
      id: 'data/streaming-no-resume',
      severity: 'error',
      acceptable: true,
      path: ['train', 'dataLoader', 'streaming'],
      what: 'the data is read as a stream',
      why: 'a restart reads it from its beginning again, one process reads it, and the speed varies',
      fix: 'set train.dataLoader.streaming to false',
    });
    if ((loader.workers ?? 0) > 0) {
      lints.push(
        refuse('data/streaming-workers', ['train', 'dataLoader', 'workers'], {
          what: `a stream has no worker processes, but train.dataLoader.workers is ${loader.workers}`,
          why: 'the loader takes none whatever is asked for',
          fix: 'remove train.dataLoader.workers',
        }),
      );
    }
  }
  const { imageMaxPixels: most = 262_144, imageMinPixels: least = 1_024 } = loader;
  if (least > most) {
    lints.push(
      refuse('data/image-pixels', ['train', 'dataLoader', 'imageMinPixels'], {
        what: `images would have at least ${least} and at most ${most} pixels`,
        why: 'no image has',
        fix: 'make imageMinPixels the smaller one',
      }),
    );
  }
  const tokens = Math.ceil(most / PIXELS_PER_TOKEN);
  if (tokens >= train.sequenceLength) {
    lints.push({
      id: 'data/image-exceeds-sequence',
      severity: 'error',
      acceptable: true,
      path: ['train', 'dataLoader', 'imageMaxPixels'],
      what: `an image of ${most} pixels is about ${tokens} tokens, a sample has ${train.sequenceLength}`,
      why: 'the places of the image are cut off, and the forward pass fails on the first such row',
      fix: `set train.sequenceLength above ${tokens}, or imageMaxPixels below ${train.sequenceLength * PIXELS_PER_TOKEN}`,
    });
  }
  return lints;
}

/** Converted rows lie in the workspace, and files of rows are named in one text that is split at commas. */
function workspaceLints({ workspace }: PipelineSpec): Lint[] {
  const bad = unloadable(workspace);
  if (bad === null) return [];
  return [
    refuse('workspace/comma-in-path', ['workspace'], {
      what: `the path ${JSON.stringify(workspace)} holds ${bad}`,
      why: 'converted rows lie in it, and the loader splits the list of their files at commas, spaces and all, and searches for patterns',
      fix: 'rename the folder',
    }),
  ];
}

/** torch ends waits at 10 minutes when nobody says otherwise; shorter ones end healthy trainings. */
const SHORT_TIMEOUT_MS = 600_000;

function launchLints({ train }: PipelineSpec): Lint[] {
  const lints: Lint[] = [];
  if (train.masterPorts !== undefined && portsOf(train.masterPorts).length === 0) {
    lints.push(
      refuse('train/no-master-port', ['train', 'masterPorts'], {
        what: `${train.masterPorts} names no port from 1024 to 65535`,
        why: 'the ranks meet at one of these ports',
        fix: 'write ports such as 6000,6010-6020, or remove train.masterPorts',
      }),
    );
  }
  if (train.distributedTimeout !== undefined && durationMs(train.distributedTimeout) < SHORT_TIMEOUT_MS) {
    lints.push(
      warn('train/short-timeout', ['train', 'distributedTimeout'], {
        what: `ranks give up waiting after ${train.distributedTimeout}`,
        why: 'rows are tokenized by one rank of each host while all others wait, and a save may take longer too',
        fix: 'remove it: Temper computes it from rows and save time',
      }),
    );
  }
  return lints;
}

function fusedLints({ train, environment }: PipelineSpec): Lint[] {
  if (train.fusedMoe === false) {
    return [
      warn('train/fused-moe-off', ['train', 'fusedMoe'], {
        what: 'the fused operators of the experts are off',
        why: 'training is slower; they only have to be off where CANN or torch_npu are older than the guide asks for',
        fix: 'remove train.fusedMoe',
      }),
    ];
  }
  if (revisionOf(environment.sources?.['mindspeedMm']?.ref).hasFusedMoe) return [];
  return [
    warn('train/fused-moe-missing', ['environment', 'sources', 'mindspeedMm', 'ref'], {
      what: 'this commit of MindSpeed-MM has no fused operators for the experts of this model',
      why: 'it trains with those of transformers, slower, and ignores use_npu_fused_moe',
      fix: 'name commit a23f1fe6, the first that has them with the same way of averaging the loss, or 840612c5',
    }),
  ];
}

type Told = Pick<Lint, 'what' | 'why' | 'fix'>;

function refuse(id: string, path: Lint['path'], told: Told): Lint {
  return { id, severity: 'error', acceptable: false, path, ...told };
}

function warn(id: string, path: Lint['path'], told: Told): Lint {
  return { id, severity: 'warning', acceptable: true, path, ...told };
}
