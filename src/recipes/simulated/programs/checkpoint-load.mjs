import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkpointFolder, TRACKER } from './checkpoint-layout.mjs';
import { readMetadata } from './dcp-metadata.mjs';
import { checkpointName } from './model-shape.mjs';
import { BadInput, PythonError } from './program-errors.mjs';
import { ShardReader } from './shard-file.mjs';
import { pythonList } from './training-log.mjs';

/**
 * Loads what `--load` names into the state, with upstream's traps: without a tracker it trains from random weights or
 * ends with status 0, an empty tracker ends it with status 0, and names that do not match are only told.
 * @param {import('./training.mjs').TrainingState} state
 */
export async function loadCheckpoint(state) {
  const { rank, group, settings } = state;
  const tracker = join(settings.load, TRACKER);
  const target = await agreedTarget(tracker, group);
  if (target === null) {
    rank.sayFirst(`WARNING: could not find the metadata file ${tracker}`);
    rank.sayFirst('    will not load any checkpoints and will start from random');
    if (!settings['exit-on-missing-checkpoint']) return;
    rank.sayFirst(">> '--exit-on-missing-checkpoint' set ... exiting. <<");
    await group.barrier();
    rank.exit(0);
  }
  const isRelease = target === 'release';
  if (!isRelease && !/^\d+$/.test(target)) {
    rank.sayFirst(`ERROR: Invalid metadata file ${tracker}. Exiting`);
    await group.barrier();
    rank.exit(0);
  }
  rank.sayFirst(
    ` loading ${isRelease ? 'release ' : ''}checkpoint from ${settings.load}${isRelease ? '' : ` at iteration ${target}`}`,
  );
  await loadFolder(state, checkpointFolder(settings.load, target), isRelease);
  rank.sayFirst(' checkpoint version 3.0');
  rank.sayFirst(
    `  successfully loaded checkpoint from ${settings.load} [ t 1/1, p 1/1 ] at iteration ${state.iteration}`,
  );
}

/** The tracker's text as all ranks see it, or null when none sees it. */
async function agreedTarget(tracker, group) {
  const views = await group.gatherAll(await readText(tracker));
  if (new Set(views).size === 1) return views[0];
  throw new BadInput(
    `--load: ${tracker} differs between ranks: ${JSON.stringify(views)}. Use a folder that all hosts share.`,
  );
}

async function readText(path) {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

/**
 * Loads a checkpoint's folder into the state.
 * @param {import('./training.mjs').TrainingState} state
 * @param {string} folder
 * @param {boolean} isRelease converted weights, which hold nothing else
 */
export async function loadFolder(state, folder, isRelease) {
  const { rank, settings } = state;
  const entries = new Map(await readEntries(folder));
  // Upstream goes on with whatever the initialisation gave; the list of names is the only sign.
  const faults = new Set(state.faults.strike('load', 0).map(({ kind }) => kind));
  if (faults.has('missing-keys')) entries.delete(checkpointName(state.model.parameters[0].name));
  const reader = new ShardReader(folder);
  try {
    await loadWeights(state, reader, entries);
    if (isRelease || !entries.has('args')) {
      rank.sayFirst('could not find arguments in the checkpoint ...');
      return;
    }
    await loadProgress(state, reader, entries);
    if (!settings['no-load-optim'] && entries.has('opt_param_scheduler.num_steps'))
      await loadOptimizer(state, reader, entries);
    if (faults.has('schedule-reset')) state.schedule.samples = 0;
    const stream = entries.get(`rng_state.${rank.rank}.python`);
    if (!settings['no-load-rng'] && stream !== undefined) state.model.noise.restore(await reader.object(stream[0]));
  } finally {
    await reader.close();
  }
}

async function readEntries(folder) {
  try {
    return await readMetadata(folder);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    throw new PythonError('FileNotFoundError', `[Errno 2] No such file or directory: '${join(folder, '.metadata')}'`);
  }
}

async function loadWeights({ rank, model }, reader, entries) {
  const wanted = model.parameters.map(({ name }) => checkpointName(name));
  const present = [...entries.keys()].filter((name) => name.startsWith('model.'));
  for (const { name, size, start, rows, weights } of model.parameters) {
    const pieces = entries.get(checkpointName(name));
    if (pieces === undefined) continue;
    if (pieces[0].size.join() !== size.join()) {
      throw new PythonError(
        'ValueError',
        `Size mismatch between saved torch.Size([${pieces[0].size.join(', ')}]) and current: torch.Size([${size.join(', ')}]) for ${checkpointName(name)}`,
      );
    }
    weights.set(await reader.rows(pieces, start, start + rows));
  }
  rank.sayFirst(`Missing keys: ${toldKeys(wanted.filter((name) => !entries.has(name)))}`);
  rank.sayFirst(`Unexpected keys: ${toldKeys(present.filter((name) => !wanted.includes(name)))}`);
}

/** Upstream takes the key of the model off the names. */
function toldKeys(names) {
  return pythonList(names.map((name) => name.slice('model.'.length)));
}

async function loadProgress(state, reader, entries) {
  const args = await reader.object(entries.get('args')[0]);
  Object.assign(state, {
    iteration: await reader.object(entries.get('iteration')[0]),
    consumedSamples: args.state.get('consumed_train_samples'),
  });
}

async function loadOptimizer(state, reader, entries) {
  const { schedule, settings } = state;
  if (!state.isMomentsLost) await loadMoments(state, reader, entries);
  const names = Object.keys(schedule.state());
  const saved = names.map(async (name) => [name, await reader.object(entries.get(`opt_param_scheduler.${name}`)[0])]);
  schedule.restore(Object.fromEntries(await Promise.all(saved)), settings['override-opt_param-scheduler']);
}

async function loadMoments({ model }, reader, entries) {
  for (const { start, rows, moments } of model.parameters) {
    const key = `optimizer.state.${moments?.index}`;
    const [mean, square, step] = ['exp_avg', 'exp_avg_sq', 'step'].map((name) => entries.get(`${key}.${name}`));
    if (moments === null || mean === undefined || square === undefined || step === undefined) continue;
    moments.mean.set(await reader.rows(mean, start, start + rows));
    moments.square.set(await reader.rows(square, start, start + rows));
    [model.steps] = await reader.rows(step, 0, 1);
  }
}
