import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadFolder } from '../../../../src/recipes/simulated/programs/checkpoint-load.mjs';
import { checkpointFolder, TRACKER } from '../../../../src/recipes/simulated/programs/checkpoint-layout.mjs';
import { saveCheckpoint as save } from '../../../../src/recipes/simulated/programs/checkpoint-save.mjs';
import { Call, Float, Global, Instance } from '../../../../src/recipes/simulated/programs/pickle-writer.mjs';

/** A rank that skips the load while others enter it keeps them waiting, and waits itself in the next collective. */
const FOREVER_MS = 60_000;

/**
 * Loads what `--load` names, with upstream's traps: without a tracker it trains from random weights or ends with status
 * 0, an empty tracker ends it with status 0, and names that do not match are only told.
 * @param {any} state as `TrainingState` of the simulated trainer
 */
export async function load(state) {
  const { rank, settings, faults, group } = state;
  const tracker = join(settings.load, TRACKER);
  const isUnseen = faults.strike('tracker', 0).length > 0;
  const own = isUnseen ? null : readTracker(tracker);
  const views = await group.gatherAll(own);
  // Upstream's ranks do not compare: those without a tracker go on, the others wait for them.
  if (new Set(views).size > 1) await new Promise(() => setInterval(() => undefined, FOREVER_MS));
  const target = settings['ckpt-step'] === null || own === 'release' ? own : String(settings['ckpt-step']);
  if (target === null) {
    rank.sayFirst(`WARNING: could not find the metadata file ${tracker}`);
    rank.sayFirst('    will not load any checkpoints and will start from random');
    if (!settings['exit-on-missing-checkpoint']) return;
    rank.sayFirst(">> '--exit-on-missing-checkpoint' set ... exiting. <<");
    await leave(state);
  }
  const isRelease = target === 'release';
  if (!isRelease && !/^\d+$/.test(target)) {
    rank.sayFirst(`ERROR: Invalid metadata file ${tracker}. Exiting`);
    await leave(state);
  }
  const what = isRelease
    ? `release checkpoint from ${settings.load}`
    : `checkpoint from ${settings.load} at iteration ${Number(target)}`;
  rank.sayFirst(` loading ${what}`);
  await loadFolder(state, checkpointFolder(settings.load, target), isRelease);
  rank.sayFirst(' checkpoint version 3.0');
  rank.sayFirst(
    `  successfully loaded checkpoint from ${settings.load} [ t 1/1, p 1/1 ] at iteration ${state.iteration}`,
  );
}

/**
 * Saves all that a checkpoint of upstream holds, classes of its own included.
 * @param {any} state
 */
export async function saveCheckpoint(state) {
  const { settings, rank, faults, iteration } = state;
  const isScattered = faults.strike('scatter', iteration).length > 0;
  // A folder of that name on the host's own disk, which nobody else sees.
  const folder = isScattered
    ? join(settings['fsdp2-config-path'], '..', 'not-shared', String(rank.rank))
    : settings.save;
  await save({ ...state, settings: { ...settings, ...NO_PADDING, save: folder } });
}

/** What only the simulated trainer's shards have. */
const NO_PADDING = { 'save-ms': 0, 'shard-kb': 0 };

function readTracker(path) {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

/** Status 0, whatever was not done. */
async function leave({ group, rank }) {
  await group.barrier();
  rank.exit(0);
}

/** What upstream's checkpoints hold beside the state of the training: objects of its own classes. */
export const FOREIGN = {
  arguments: {
    params_dtype: new Global('torch', 'float32'),
    attention_backend: new Call(new Global('megatron.core.transformer.enums', 'AttnBackend'), [5]),
    mm: new Instance(new Global('mindspeed_mm.configs.config', 'MMConfig'), {
      model: new Instance(new Global('mindspeed_mm.configs.config', 'ConfigReader'), { model_id: 'glm4v_moe' }),
    }),
  },
  objects: [
    [['rerun_state_machine', 'mode'], 'disabled'],
    [['num_floating_point_operations_so_far'], new Float(0)],
  ],
};
