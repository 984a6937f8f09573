import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { float32Bytes } from './bfloat16.mjs';
import { CHECKPOINT_VERSION, checkpointFolder, TRACKER } from './checkpoint-layout.mjs';
import { writeMetadata } from './dcp-metadata.mjs';
import { saveFaults } from './fault-actions.mjs';
import { checkpointPath } from './model-shape.mjs';
import { Float, Global, Instance, Tuple } from './pickle-writer.mjs';
import { writeShard } from './shard-file.mjs';

/**
 * Writes the checkpoint of an iteration, all ranks together, in upstream's order: shards, `.metadata` by rename,
 * barrier, tracker. Nothing is flushed to the device: what is imitated here is a dying process, not a power cut.
 * @param {import('./training.mjs').TrainingState} state
 */
export async function saveCheckpoint(state) {
  const { rank, group, settings, iteration } = state;
  const label = `${String(iteration).padStart(7)} to ${settings.save}`;
  rank.sayFirst(`saving checkpoint at iteration ${label} in torch_dcp format`);
  const folder = checkpointFolder(settings.save, String(iteration));
  await mkdir(folder, { recursive: true });
  if (rank.isFirst && existsSync(join(folder, '.metadata'))) {
    rank.write(
      2,
      `UserWarning: Detected an existing checkpoint in ${folder}, overwriting since self.overwrite=True.\n`,
    );
  }
  const faults = saveFaults(state.faults.strike('save', iteration), rank);
  const pace = { durationMs: settings['save-ms'], beforePart: faults.beforePart };
  const pieces = await writeShard(folder, rank.rank, shardItems(state), pace);
  faults.afterShard();
  const all = await group.gather(pieces);
  if (all !== null) await writeMetadata(folder, all.flat());
  faults.beforeTracker();
  await group.barrier();
  // As upstream: in place, so that a crash can leave it empty.
  if (rank.isFirst) await writeFile(join(settings.save, TRACKER), String(iteration));
  rank.sayFirst(`  successfully saved checkpoint from iteration ${label} [ t 1/1, p 1/1 ]`);
}

/** What this rank stores: its rows of every tensor, and its part of what is stored once. */
function shardItems(state) {
  const { rank, model, settings } = state;
  const objects = rank.isFirst ? sharedObjects(state) : [];
  if (!settings['no-save-rng'])
    objects.push([['rng_state', String(rank.rank), 'python'], new Tuple(model.noise.state)]);
  return [
    ...objects.map(([path, value]) => ({ path, value })),
    ...model.parameters.flatMap((parameter) => parameterItems(parameter, state)),
    ...paddingItems(settings['shard-kb'], rank),
  ];
}

function parameterItems({ name, size, start, rows, weights, moments }, { rank, model, settings }) {
  const chunk = (path, values) => {
    if (rows === 0) return [];
    const [, ...rest] = size;
    const place = { size, start: [start, ...rest.map(() => 0)], extent: [rows, ...rest] };
    return [{ path, dtype: 'F32', ...place, elements: float32Bytes(values) }];
  };
  const items = chunk(checkpointPath(name), weights);
  if (moments === null || settings['no-save-optim']) return items;
  const key = ['optimizer', 'state', String(moments.index)];
  items.push(...chunk([...key, 'exp_avg'], moments.mean), ...chunk([...key, 'exp_avg_sq'], moments.square));
  // Counters are equal everywhere and stored once; torch spreads such entries over the ranks.
  if (rank.rank === moments.index % rank.worldSize) {
    const scalar = { size: [], start: [], extent: [] };
    items.push({
      path: [...key, 'step'],
      dtype: 'F32',
      ...scalar,
      elements: float32Bytes(Float32Array.of(model.steps)),
    });
  }
  return items;
}

function sharedObjects({ model, settings, schedule, iteration, consumedSamples, foreign }) {
  const known = Object.entries(settings).map(([name, value]) => [name.replaceAll('-', '_'), value]);
  const args = new Instance(new Global('argparse', 'Namespace'), {
    ...Object.fromEntries(known),
    ...foreign?.arguments,
    consumed_train_samples: consumedSamples,
    iteration,
  });
  const objects = [
    [['args'], args],
    [['checkpoint_version'], CHECKPOINT_VERSION],
    [['iteration'], iteration],
    ...(foreign?.objects ?? []),
  ];
  if (settings['no-save-optim']) return objects;
  const group = {
    lr: new Float(schedule.current()),
    betas: new Tuple([settings['adam-beta1'], settings['adam-beta2']]),
    eps: settings['adam-eps'],
    weight_decay: new Float(settings['weight-decay']),
    params: model.parameters.flatMap(({ moments }) => (moments === null ? [] : [moments.index])),
  };
  for (const [name, value] of Object.entries(group)) objects.push([['optimizer', 'param_groups', 0, name], value]);
  for (const [name, value] of Object.entries(schedule.state())) objects.push([['opt_param_scheduler', name], value]);
  return objects;
}

/** Bytes that make shards as large as a test wants them. They hold the rank, so that no two shards are alike. */
function paddingItems(kilobytes, { rank, worldSize }) {
  const bytes = Math.round(kilobytes * 1000);
  if (bytes === 0) return [];
  const elements = Buffer.alloc(bytes, `rank ${rank} `);
  return [
    { path: ['padding'], dtype: 'U8', size: [bytes * worldSize], start: [bytes * rank], extent: [bytes], elements },
  ];
}
