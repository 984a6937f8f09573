import { parseCommandLine } from './command-line.mjs';
import { BadInput } from './program-errors.mjs';

/** Parts of the model that can be frozen. */
export const PARTS = ['vision-encoder', 'vision-projector', 'text-decoder'];

/** Megatron's names where it has one; what only a simulation needs stands below and has its default in `SIM_*`. */
const RULES = {
  data: { type: 'text', required: true },
  load: { type: 'text' },
  save: { type: 'text' },
  'tensorboard-dir': { type: 'text' },
  'save-interval': { type: 'number' },
  'exit-on-missing-checkpoint': { type: 'flag' },
  'no-save-optim': { type: 'flag' },
  'no-save-rng': { type: 'flag' },
  'no-load-optim': { type: 'flag' },
  'no-load-rng': { type: 'flag' },
  'override-opt_param-scheduler': { type: 'flag' },
  'train-iters': { type: 'number', required: true },
  'micro-batch-size': { type: 'number', default: 1 },
  'global-batch-size': { type: 'number' },
  lr: { type: 'number', default: 1e-3 },
  'min-lr': { type: 'number', default: 0 },
  'lr-warmup-fraction': { type: 'number', default: 0 },
  'lr-decay-style': { type: 'text', default: 'cosine' },
  'weight-decay': { type: 'number', default: 0 },
  'clip-grad': { type: 'number', default: 1 },
  'adam-beta1': { type: 'number', default: 0.9 },
  'adam-beta2': { type: 'number', default: 0.95 },
  'adam-eps': { type: 'number', default: 1e-8 },
  seed: { type: 'number', default: 42 },
  'log-interval': { type: 'number', default: 1 },
  'distributed-timeout-minutes': { type: 'number', default: 10 },
  ...Object.fromEntries(PARTS.map((part) => [`freeze-${part}`, { type: 'flag' }])),
  faults: { type: 'text' },
  'step-ms': { type: 'number', default: 5 },
  'start-ms': { type: 'number', default: 0 },
  'shard-kb': { type: 'number', default: 0 },
  'save-ms': { type: 'number', default: 0 },
  'peer-loss': { type: 'text', default: 'error' },
};

/** Variables that give the simulation's own arguments, because a spec can set variables and not arguments. */
const VARIABLES = {
  SIM_FAULTS: 'faults',
  SIM_STEP_MS: 'step-ms',
  SIM_START_MS: 'start-ms',
  SIM_SHARD_KB: 'shard-kb',
  SIM_SAVE_MS: 'save-ms',
  SIM_PEER_LOSS: 'peer-loss',
  SIM_TIMEOUT_MINUTES: 'distributed-timeout-minutes',
};

/**
 * Reads the training program's command line.
 * @param {readonly string[]} argv
 * @param {Readonly<Record<string, string | undefined>>} env
 * @returns {Record<string, any>} by name
 */
export function parseTrainingArguments(argv, env) {
  // Variables come first: of two equal arguments the last one counts.
  const given = Object.entries(VARIABLES).flatMap(([name, argument]) =>
    env[name] ? [`--${argument}`, env[name]] : [],
  );
  const settings = parseCommandLine([...given, ...argv], RULES, 'rank.mjs');
  for (const [name, choices] of Object.entries({
    'peer-loss': ['error', 'hang'],
    'lr-decay-style': ['constant', 'linear', 'cosine'],
  })) {
    if (choices.includes(settings[name])) continue;
    throw new BadInput(
      `rank.mjs: argument --${name}: invalid choice: '${settings[name]}' (choose from ${choices.join(', ')})`,
    );
  }
  return settings;
}

/**
 * Completes the global batch size and refuses what cannot work with so many ranks.
 * @param {Record<string, any>} settings
 * @param {number} worldSize
 * @returns {Record<string, any>}
 */
export function fitToWorld(settings, worldSize) {
  const perStep = settings['micro-batch-size'] * worldSize;
  const batch = settings['global-batch-size'] ?? perStep;
  if (batch < perStep || batch % perStep !== 0) {
    throw new BadInput(
      `global batch size (${batch}) is not divisible by micro batch size (${settings['micro-batch-size']}) times data ` +
        `parallel size (${worldSize}). Give a multiple of ${perStep}.`,
    );
  }
  for (const name of ['save-interval', 'log-interval', 'train-iters', 'micro-batch-size']) {
    if (settings[name] !== null && !(settings[name] >= 1))
      throw new BadInput(`--${name} ${settings[name]}: must be 1 or more.`);
  }
  if (PARTS.every((part) => settings[`freeze-${part}`])) {
    throw new BadInput('--freeze-*: every module is frozen, nothing is left to train. Remove one of the three flags.');
  }
  return { ...settings, 'global-batch-size': batch };
}
