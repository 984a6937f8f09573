import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { JOIN_TIMEOUT_MS, joinCollectives } from '../../../../src/recipes/simulated/programs/collectives.mjs';
import { suffer } from '../../../../src/recipes/simulated/programs/fault-actions.mjs';
import { LearningRateSchedule } from '../../../../src/recipes/simulated/programs/learning-rate.mjs';
import { PythonError } from '../../../../src/recipes/simulated/programs/program-errors.mjs';
import { StoreClient } from '../../../../src/recipes/simulated/programs/rendezvous-store.mjs';
import { batchRows } from '../../../../src/recipes/simulated/programs/training-data.mjs';
import {
  argumentLines,
  iterationLine,
  pythonList,
  timestamp,
} from '../../../../src/recipes/simulated/programs/training-log.mjs';
import { validateArguments } from './arguments.mjs';
import { FOREIGN, load, saveCheckpoint } from './checkpoints.mjs';
import { checkModel, readConfigs, readDataSettings } from './config-files.mjs';
import { loadFaults } from './fault-kinds.mjs';
import { trainedTensors } from './model.mjs';
import { Parameters } from './parameters.mjs';
import { loadRows, loggerLine } from './rows.mjs';

/** Opened relative to the working directory, which must be the checkout. */
const READ_AT_IMPORT = 'mindspeed_mm/configs/read_yaml_config.py';
/** HCCL waits so long for a peer unless HCCL_EXEC_TIMEOUT says otherwise, s. */
const EXEC_TIMEOUT_SECONDS = 1_800;

/**
 * The whole life of one rank, with upstream's lines at the same points.
 * @param {Record<string, any>} given from `parseTrainingArguments`
 * @param {import('../../../../src/recipes/simulated/programs/rank-process.mjs').RankProcess} rank
 * @param {{ host: string, port: number }} master
 * @param {Readonly<Record<string, string | undefined>>} env
 */
export async function runRank(given, rank, master, env) {
  const startedAt = performance.now();
  if (!existsSync(READ_AT_IMPORT))
    throw new PythonError('FileNotFoundError', `[Errno 2] No such file or directory: './${READ_AT_IMPORT}'`);
  const configs = readConfigs(given, (line) => rank.say(line));
  if (configs === null) rank.exit(1);
  const faults = loadFaults(rank.rank, rank.worldSize, env);
  for (const fault of faults.strike('start', 0)) await suffer(fault, rank, null);
  for (const { text } of faults.strike('say', 0)) leaveOut(rank, text);
  tellOverrides(rank, configs.model.text_decoder);
  const settings = validateArguments(given, configs.model, rank.worldSize, env);
  const group = await joinGang(rank, master, env);
  const sayTime = async (event) => {
    await group.barrier();
    rank.sayFirst(`[${event}] datetime: ${timestamp()} `);
  };
  announce(settings, rank, startedAt);
  await sayTime('after megatron is initialized');
  const state = {
    ...buildState(settings, configs.model, rank, group, faults),
    stepMs: Number(env.FAKE_ASCEND_STEP_MS ?? 20),
  };
  if (settings.load !== null) await load(state);
  await sayTime('after model, optimizer, and learning rate scheduler are built');
  const samples = await buildData(state, configs.data);
  await sayTime('after dataloaders are built');
  rank.sayFirst('done with setup ...');
  if (rank.isLast) tellTimers(rank, ['model-and-optimizer-setup', 'train/valid/test-data-iterators-setup']);
  rank.sayFirst('training ...');
  await sayTime('before the start of training step');
  if (await train(state, samples)) await sayTime('after training is done');
  else await sayTime(`exiting program at iteration ${state.iteration}`);
  group.close();
}

function tellOverrides(rank, decoder) {
  for (const name of ['num_layers', 'hidden_size', 'num_attention_heads', 'max_position_embeddings'])
    rank.sayFirst(
      `[INFO] the original value of ${name} is None, now changed as ${decoder[name]} which comes from model.json`,
    );
}

async function joinGang(rank, { host, port }, env) {
  const store = await StoreClient.connect(host, port, JOIN_TIMEOUT_MS);
  try {
    return await joinCollectives({
      ...{ rank: rank.rank, worldSize: rank.worldSize, host, store },
      timeoutMs: 1_000 * Number(env.HCCL_EXEC_TIMEOUT ?? EXEC_TIMEOUT_SECONDS),
      // A device does not see that a peer is gone.
      isPeerLossNoticed: false,
    });
  } finally {
    store.close();
  }
}

/** Lines with this text are never printed, as by code that was changed. */
function leaveOut(rank, text) {
  const say = rank.say.bind(rank);
  rank.say = (line) => (line.includes(text) ? undefined : say(line));
}

function announce(settings, rank, startedAt) {
  rank.sayFirst(
    `using world size: ${rank.worldSize}, data-parallel size: ${rank.worldSize}, context-parallel size: 1, hierarchical context-parallel sizes: Nonetensor-model-parallel size: 1, encoder-tensor-model-parallel size: 0, pipeline-model-parallel size: 1, encoder-pipeline-model-parallel size: 0`,
  );
  rank.sayFirst('using torch.float32 for parameters ...');
  const named = Object.entries(settings).map(([name, value]) => [name.replaceAll('-', '_'), value]);
  for (const line of argumentLines(Object.fromEntries(named))) rank.sayFirst(line);
  rank.sayFirst('> initializing torch distributed ...');
  rank.sayFirst(`time to initialize megatron (seconds): ${((performance.now() - startedAt) / 1_000).toFixed(3)}`);
}

function buildState(settings, model, rank, group, faults) {
  rank.sayFirst('building VLMModel ...');
  checkModel(model, rank.worldSize, settings['fsdp2-config-path']);
  const frozen = frozenParts(model);
  const tensors = trainedTensors(readModelConfig(model.init_from_hf_path));
  const parameters = new Parameters(tensors, {
    ...{ rank: rank.rank, worldSize: rank.worldSize, seed: settings.seed },
    isFrozen: (name) => frozen.some((part) => name.includes(part)),
  });
  rank.sayFirst('> load model successfully');
  rank.sayFirst(`Set modules not trainable: ${frozen.length === 0 ? 'set()' : `{${pythonList(frozen).slice(1, -1)}}`}`);
  rank.sayFirst(` > number of parameters on (tensor, pipeline) model parallel rank (0, 0): ${parameters.count}`);
  const samples = settings['train-iters'] * settings['global-batch-size'];
  const schedule = new LearningRateSchedule({
    max_lr: settings.lr,
    min_lr: settings['min-lr'],
    lr_warmup_steps: Math.trunc((settings['lr-warmup-fraction'] ?? 0) * samples),
    lr_decay_steps: samples,
    lr_decay_style: settings['lr-decay-style'],
  });
  return {
    ...{ rank, group, settings, faults, model: parameters, schedule, iteration: 0, consumedSamples: 0 },
    slowness: { ms: 0, steps: 0 },
    // The template of a load is made of an optimizer that has not stepped yet: it asks for no moments.
    isMomentsLost: true,
    foreign: FOREIGN,
  };
}

/** What the freezing matches: these parts of names and no others of the vision part. */
function frozenParts({
  image_encoder: { vision_encoder: encoder, vision_projector: projector },
  text_decoder: decoder,
}) {
  return [
    ...(encoder.freeze ? ['visual.patch_embed', 'visual.blocks'] : []),
    ...(projector.freeze ? ['visual.merger'] : []),
    ...(decoder.freeze ? ['language_model', 'lm_head'] : []),
  ];
}

function readModelConfig(folder) {
  try {
    return JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
  } catch (error) {
    throw new PythonError('OSError', `Can't load the configuration of '${folder}': ${error.code ?? error.message}`);
  }
}

async function buildData({ rank, settings, group, faults }, file) {
  rank.sayFirst('> building train, validation, and test datasets ...');
  const data = readDataSettings(file);
  if (!existsSync(join(data.processor.model_name_or_path, 'tokenizer_config.json')))
    throw new PythonError('OSError', `Can't load tokenizer for '${data.processor.model_name_or_path}'.`);
  if (rank.localRank === 0) takeCache(data.basic.cache_dir, dirname(dirname(settings['fsdp2-config-path'])));
  waitForRows(rank, faults.strike('rows', 0), settings['distributed-timeout-minutes']);
  // The first rank of a host prepares the rows for the others of it, which find them in the cache.
  const isFirstOfHost = rank.localRank === 0;
  rank.sayFirst('Converting format of dataset (num_proc=16): 100%');
  const samples = loadRows(data, (message) => (isFirstOfHost ? rank.write(2, loggerLine(message)) : undefined));
  await group.barrier();
  rank.sayFirst('Rank 0, running tokenizer on train_dataset (num_proc=16): 100%');
  if (samples.length === 0) throw new PythonError('StopIteration', '');
  rank.sayFirst(`training example:\ninputs:\n${samples[0].text}`);
  for (const name of ['batch_size', 'num_workers', 'seed'])
    rank.sayFirst(`[INFO] initialize \`${name}\` from argument parser rather than \`data.json\``);
  if (samples.length < settings['micro-batch-size'] * rank.worldSize)
    throw new PythonError('ZeroDivisionError', 'integer division or modulo by zero');
  return samples;
}

/** The first rank of each host writes the prepared rows: into one folder, two of them break each other's files. */
function takeCache(folder, host) {
  if (folder === undefined || folder === null) return;
  mkdirSync(folder, { recursive: true });
  const writer = join(folder, 'prepared-by');
  try {
    writeFileSync(writer, host, { flag: 'wx' });
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    if (basename(readFileSync(writer, 'utf8')) !== basename(host))
      throw new PythonError('pyarrow.lib.ArrowInvalid', `Not an Arrow file: ${join(folder, 'cache-0.arrow')}`);
  }
}

/** All ranks but the first of each host wait in a barrier for it, and give up after torch's time; one fault slows all. */
function waitForRows(rank, faults, timeoutMinutes) {
  for (const { minutes } of faults) {
    if (rank.localRank === 0 || minutes <= timeoutMinutes) continue;
    throw new PythonError(
      'torch.distributed.DistBackendError',
      `[${rank.rank}] is setting up HCCL communicator and the barrier of main_process_first timed out after ${timeoutMinutes * 60_000}ms`,
    );
  }
}

/** Trains to the last iteration; false when `--exit-interval` ended it before. */
async function train(state, samples) {
  const { settings, rank, schedule } = state;
  const of = settings['train-iters'];
  let lastSaved = state.iteration;
  let hasToldMemory = false;
  let losses = [];
  let intervalStart = performance.now();
  while (state.iteration < of) {
    for (const fault of state.faults.strike('step', state.iteration + 1)) await suffer(fault, rank, state);
    const learningRate = schedule.current();
    const { loss, gradNorm, tokensPerSample } = await trainStep(state, samples, learningRate);
    losses.push(loss);
    if (state.iteration % settings['log-interval'] === 0) {
      const elapsedMs = (performance.now() - intervalStart) / losses.length;
      const mean = losses.reduce((sum, one) => sum + one, 0) / losses.length;
      const { iteration, consumedSamples } = state;
      const reading = { iteration, of, consumedSamples, elapsedMs, learningRate, loss: mean, gradNorm };
      const shown = { ...reading, globalBatchSize: settings['global-batch-size'] };
      if (rank.isLast) tellStep(state, settings['log-tps'] ? { ...shown, tokensPerSample } : shown);
      losses = [];
      intervalStart = performance.now();
    }
    if (!hasToldMemory && learningRate > 0) {
      hasToldMemory = true;
      rank.sayFirst(
        `[Rank 0] (after ${state.iteration} iterations) memory (MB) | allocated: 31000.5 | max allocated: 52000.1 | reserved: 54000.0 | max reserved: 54000.0`,
      );
    }
    const isSaving = settings.save !== null && state.iteration % settings['save-interval'] === 0;
    if (isSaving) await saveAndTell(state);
    if (isSaving) lastSaved = state.iteration;
    if (settings['exit-interval'] !== null && state.iteration % settings['exit-interval'] === 0) {
      if (settings.save !== null && !isSaving) await saveAndTell(state);
      return false;
    }
  }
  if (settings.save !== null && lastSaved !== state.iteration) await saveAndTell(state);
  return true;
}

async function saveAndTell(state) {
  await saveCheckpoint(state);
  if (state.rank.isLast) tellTimers(state.rank, ['save-checkpoint']);
}

/** One optimizer step; every rank sees the whole batch, and loss and gradient norm are sums over all of them. */
async function trainStep(state, samples, rate) {
  const { group, settings, model, slowness } = state;
  const perStep = settings['micro-batch-size'] * group.worldSize;
  const batch = [];
  for (let done = 0; done < settings['global-batch-size']; done += perStep)
    batch.push(...batchRows(samples.length, perStep, state.consumedSamples + done).map((row) => samples[row]));
  // Texts are cut at their end, so the places of the images go last.
  const cut = batch.find(({ imageTokens }) => imageTokens > (settings['seq-length'] ?? imageTokens));
  if (cut !== undefined)
    throw new PythonError(
      'ValueError',
      `Image features and image tokens do not match: tokens: ${settings['seq-length']}, features ${cut.imageTokens}`,
    );
  const { loss: own, gradients, squares } = model.gradient(batch.map(({ features }) => features));
  const isSlow = slowness.steps > 0;
  slowness.steps -= isSlow ? 1 : 0;
  await sleep(state.stepMs + (isSlow ? slowness.ms : 0));
  const [loss, totalSquares] = await group.sum([own, squares]);
  model.step(gradients, {
    rate,
    ...{ beta1: settings['adam-beta1'], beta2: settings['adam-beta2'], epsilon: settings['adam-eps'] },
    decay: settings['weight-decay'],
  });
  state.iteration += 1;
  state.consumedSamples += settings['global-batch-size'];
  state.schedule.advance(settings['global-batch-size']);
  const tokens = batch.reduce((sum, one) => sum + Math.min(one.tokens, settings['seq-length'] ?? one.tokens), 0);
  return { loss, gradNorm: Math.sqrt(totalSquares), tokensPerSample: tokens / batch.length };
}

/** The line of an iteration, and a point of the curves. */
function tellStep({ rank, settings }, reading) {
  rank.say(iterationLine(reading));
  const folder = settings['tensorboard-dir'];
  if (folder === null) return;
  mkdirSync(folder, { recursive: true });
  appendFileSync(join(folder, 'events.out.tfevents.0'), `${reading.iteration} ${reading.loss}\n`);
}

function tellTimers(rank, names) {
  rank.say('(min, max) time across ranks (ms):');
  for (const name of names) rank.say(`    ${name} ${'.'.repeat(Math.max(2, 45 - name.length))}: (1.00, 2.00)`);
}
