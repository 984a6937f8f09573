import { appendFile, mkdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadCheckpoint } from './checkpoint-load.mjs';
import { saveCheckpoint } from './checkpoint-save.mjs';
import { JOIN_TIMEOUT_MS, joinCollectives } from './collectives.mjs';
import { suffer } from './fault-actions.mjs';
import { Faults } from './faults.mjs';
import { LearningRateSchedule } from './learning-rate.mjs';
import { countElements, TENSORS } from './model-shape.mjs';
import { ModelShard } from './model.mjs';
import { StoreClient } from './rendezvous-store.mjs';
import { fitToWorld, PARTS } from './training-arguments.mjs';
import { batchRows, loadSamples } from './training-data.mjs';
import { argumentLines, iterationLine, pythonList, timestamp } from './training-log.mjs';

const MS_PER_MINUTE = 60_000;

/**
 * One rank's state: all that a checkpoint holds, and with whom and how it trains.
 * @typedef {{ rank: import('./rank-process.mjs').RankProcess, group: any, settings: Record<string, any>,
 *   faults: Faults, model: ModelShard, schedule: LearningRateSchedule, iteration: number, consumedSamples: number,
 *   slowness: { ms: number, steps: number },
 *   isMomentsLost?: boolean, foreign?: { arguments: Readonly<Record<string, unknown>>,
 *     objects: readonly (readonly [readonly (string | number)[], unknown])[] } }} TrainingState
 */

/**
 * The whole life of one rank, with the lines that upstream prints at the same points.
 * @param {Record<string, any>} given from `parseTrainingArguments`
 * @param {import('./rank-process.mjs').RankProcess} rank
 * @param {{ host: string, port: number }} master where the launcher of node 0 serves the store
 */
export async function runRank(given, rank, master) {
  const startedAt = performance.now();
  const faults = Faults.load(given.faults, rank.rank, rank.worldSize);
  for (const fault of faults.strike('start', 0)) await suffer(fault, rank, null);
  // Stands for the imports and the set-up of devices, which take upstream a minute.
  if (given['start-ms'] > 0) await sleep(given['start-ms']);
  const settings = fitToWorld(given, rank.worldSize);
  const group = await join(settings, rank, master);
  const sayTime = async (event) => {
    await group.barrier();
    rank.sayFirst(`[${event}] datetime: ${timestamp()} `);
  };
  announce(settings, rank, startedAt);
  await sayTime('after megatron is initialized');
  const state = buildState(settings, rank, group, faults);
  if (settings.load !== null) await loadCheckpoint(state);
  await sayTime('after model, optimizer, and learning rate scheduler are built');
  rank.sayFirst('> building train, validation, and test datasets ...');
  const samples = await loadSamples(settings.data);
  await sayTime('after dataloaders are built');
  rank.sayFirst('done with setup ...');
  rank.sayFirst('training ...');
  await sayTime('before the start of training step');
  await train(state, samples);
  await sayTime('after training is done');
  group.close();
}

async function join(settings, rank, { host, port }) {
  const timeoutMs = settings['distributed-timeout-minutes'] * MS_PER_MINUTE;
  const store = await StoreClient.connect(host, port, JOIN_TIMEOUT_MS);
  try {
    const isPeerLossNoticed = settings['peer-loss'] === 'error';
    return await joinCollectives({
      rank: rank.rank,
      worldSize: rank.worldSize,
      host,
      store,
      timeoutMs,
      isPeerLossNoticed,
    });
  } finally {
    store.close();
  }
}

function announce(settings, rank, startedAt) {
  const sizes = ['context-parallel', 'tensor-model-parallel', 'pipeline-model-parallel'].map(
    (kind) => `${kind} size: 1`,
  );
  rank.sayFirst([`using world size: ${rank.worldSize}`, `data-parallel size: ${rank.worldSize}`, ...sizes].join(', '));
  const named = Object.entries(settings).map(([name, value]) => [name.replaceAll('-', '_'), value]);
  for (const line of argumentLines(Object.fromEntries(named))) rank.sayFirst(line);
  rank.sayFirst('> initializing torch distributed ...');
  rank.sayFirst(`time to initialize megatron (seconds): ${((performance.now() - startedAt) / 1000).toFixed(3)}`);
}

/** @returns {TrainingState} */
function buildState(settings, rank, group, faults) {
  rank.sayFirst('building VLMModel ...');
  const frozen = new Set(PARTS.filter((part) => settings[`freeze-${part}`]));
  const model = new ModelShard({ rank: rank.rank, worldSize: rank.worldSize, seed: settings.seed, frozen });
  rank.sayFirst('> load model successfully');
  rank.sayFirst(
    `Set modules not trainable: ${frozen.size === 0 ? 'set()' : `{${pythonList([...frozen]).slice(1, -1)}}`}`,
  );
  const count = TENSORS.reduce((sum, { shape }) => sum + countElements(shape), 0);
  rank.sayFirst(` > number of parameters on (tensor, pipeline) model parallel rank (0, 0): ${count}`);
  const samples = settings['train-iters'] * settings['global-batch-size'];
  const schedule = new LearningRateSchedule({
    max_lr: settings.lr,
    min_lr: settings['min-lr'],
    lr_warmup_steps: Math.floor(settings['lr-warmup-fraction'] * samples),
    lr_decay_steps: samples,
    lr_decay_style: settings['lr-decay-style'],
  });
  const slowness = { ms: 0, steps: 0 };
  return { rank, group, settings, faults, model, schedule, iteration: 0, consumedSamples: 0, slowness };
}

/** The remaining iterations; none when the checkpoint is already the last one. */
async function train(state, samples) {
  const { rank, settings, schedule } = state;
  const of = settings['train-iters'];
  let losses = [];
  let intervalStart = performance.now();
  let lastSaved = state.iteration;
  while (state.iteration < of) {
    for (const fault of state.faults.strike('step', state.iteration + 1)) await suffer(fault, rank, state);
    const learningRate = schedule.current();
    const { loss, gradNorm } = await trainStep(state, samples, learningRate);
    losses.push(loss);
    advance(state);
    if (state.iteration % settings['log-interval'] === 0) {
      const elapsedMs = (performance.now() - intervalStart) / losses.length;
      const mean = losses.reduce((sum, one) => sum + one, 0) / losses.length;
      const { iteration, consumedSamples } = state;
      const reading = { iteration, of, consumedSamples, elapsedMs, learningRate, loss: mean, gradNorm };
      if (rank.isLast) {
        rank.say(iterationLine({ ...reading, globalBatchSize: settings['global-batch-size'] }));
        await drawCurve(settings['tensorboard-dir'], reading);
      }
      losses = [];
      intervalStart = performance.now();
    }
    if (
      settings.save !== null &&
      settings['save-interval'] !== null &&
      state.iteration % settings['save-interval'] === 0
    ) {
      await saveCheckpoint(state);
      lastSaved = state.iteration;
      intervalStart = performance.now();
    }
  }
  if (settings.save !== null && lastSaved !== state.iteration) await saveCheckpoint(state);
}

/** Upstream's last rank writes curves for TensorBoard as it goes; a table stands for them. */
async function drawCurve(dir, { iteration, loss }) {
  if (dir === null) return;
  await mkdir(dir, { recursive: true });
  await appendFile(`${dir}/loss.tsv`, `${iteration}\t${loss}\n`);
}

function advance(state) {
  const batch = state.settings['global-batch-size'];
  state.schedule.advance(batch);
  Object.assign(state, { iteration: state.iteration + 1, consumedSamples: state.consumedSamples + batch });
}

/**
 * One optimizer step. Every rank sees the whole batch and owns some rows of the model; loss and gradient norm are
 * sums over all ranks, and clipping by the norm makes each rank's step depend on all others.
 */
async function trainStep(state, samples, rate) {
  const { group, settings, model } = state;
  const perStep = settings['micro-batch-size'] * group.worldSize;
  const batch = [];
  for (let done = 0; done < settings['global-batch-size']; done += perStep) {
    batch.push(...batchRows(samples.length, perStep, state.consumedSamples + done).map((row) => samples[row]));
  }
  const { loss: ownLoss, gradients, squares } = model.gradient(batch);
  await spendTime(state);
  const [loss, totalSquares] = await group.sum([ownLoss, squares]);
  const gradNorm = Math.sqrt(totalSquares);
  const clip = settings['clip-grad'];
  model.step(gradients, {
    rate,
    scale: clip > 0 ? Math.min(1, clip / (gradNorm + 1e-6)) : 1,
    beta1: settings['adam-beta1'],
    beta2: settings['adam-beta2'],
    epsilon: settings['adam-eps'],
    decay: settings['weight-decay'],
  });
  return { loss, gradNorm };
}

async function spendTime({ settings, slowness }) {
  if (settings['step-ms'] > 0) await sleep(settings['step-ms']);
  if (slowness.steps <= 0) return;
  slowness.steps -= 1;
  // A slow rank is at work while the others wait for it.
  for (const until = performance.now() + slowness.ms; performance.now() < until;);
}
