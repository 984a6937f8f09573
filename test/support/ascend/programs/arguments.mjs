import { parseCommandLine } from '../../../../src/recipes/simulated/programs/command-line.mjs';
import { BadInput, PythonError } from '../../../../src/recipes/simulated/programs/program-errors.mjs';

/** argparse's name of the program in front of each complaint. */
const PROGRAM = 'pretrain_transformers.py: error';

const flag = { type: 'flag' };
const text = { type: 'text' };
const number = (value) => ({ type: 'number', ...(value === undefined ? {} : { default: value }) });

/** The arguments that the example and Temper give, and those that change when a training ends. Others are refused. */
const RULES = {
  'use-mcore-models': flag,
  'tensor-model-parallel-size': number(1),
  'pipeline-model-parallel-size': number(1),
  'context-parallel-size': number(1),
  'expert-model-parallel-size': number(1),
  'context-parallel-algo': { ...text, default: 'ulysses_cp_algo' },
  'micro-batch-size': number(),
  'global-batch-size': number(),
  'tokenizer-type': text,
  'vocab-size': number(),
  'seq-length': number(),
  'make-vocab-size-divisible-by': number(128),
  normalization: { ...text, default: 'LayerNorm' },
  'use-fused-rmsnorm': flag,
  swiglu: flag,
  'use-fused-swiglu': flag,
  'no-masked-softmax-fusion': flag,
  lr: number(),
  'min-lr': number(0),
  'lr-decay-style': { ...text, default: 'linear' },
  'weight-decay': number(0.01),
  'train-iters': number(),
  'lr-warmup-fraction': number(),
  'lr-warmup-iters': number(0),
  'clip-grad': number(1),
  'adam-beta1': number(0.9),
  'adam-beta2': number(0.999),
  'adam-eps': number(1e-8),
  'no-gradient-accumulation-fusion': flag,
  seed: number(1234),
  load: text,
  save: text,
  'save-interval': number(),
  'ckpt-step': number(),
  'exit-on-missing-checkpoint': flag,
  'exit-interval': number(),
  'use-flash-attn': flag,
  'no-load-optim': flag,
  'no-load-rng': flag,
  'no-save-optim': flag,
  'no-save-rng': flag,
  'override-opt_param-scheduler': flag,
  'num-workers': number(2),
  'use-torch-fsdp2': flag,
  'use-distributed-optimizer': flag,
  fp16: flag,
  'untie-embeddings-and-output-weights': flag,
  'ckpt-format': { ...text, default: 'torch_dist' },
  'fsdp2-config-path': text,
  'optimizer-selection': text,
  'use-cpu-initialization': flag,
  'calculate-per-token-loss': flag,
  'calculate-per-sample-loss': flag,
  'init-model-with-meta-device': flag,
  'log-tps': flag,
  'distributed-timeout-minutes': number(10),
  'mm-data': { ...text, required: true },
  'mm-model': { ...text, required: true },
  'mm-tool': { ...text, required: true },
  'log-interval': number(100),
  'eval-interval': number(1000),
  'eval-iters': number(100),
  'tensorboard-dir': text,
  'distributed-backend': { ...text, default: 'nccl' },
};

const CHOICES = {
  'ckpt-format': ['torch', 'torch_dist', 'zarr', 'torch_dcp'],
  'lr-decay-style': ['constant', 'linear', 'cosine', 'inverse-square-root', 'WSD'],
  'distributed-backend': ['nccl', 'gloo'],
  normalization: ['LayerNorm', 'RMSNorm'],
};

/**
 * Reads the training program's command line as argparse does: status 2 for what it does not know.
 * @param {readonly string[]} argv
 * @returns {Record<string, any>} by name
 */
export function parseTrainingArguments(argv) {
  const settings = parseCommandLine(argv, RULES, PROGRAM);
  for (const [name, choices] of Object.entries(CHOICES)) {
    if (choices.includes(settings[name])) continue;
    const list = choices.map((one) => `'${one}'`).join(', ');
    throw new BadInput(`${PROGRAM}: argument --${name}: invalid choice: '${settings[name]}' (choose from ${list})`);
  }
  return settings;
}

/**
 * What the training code checks before it builds the model, with its words.
 * @param {Record<string, any>} settings
 * @param {Record<string, any>} model the model file
 * @param {number} worldSize
 * @param {Readonly<Record<string, string | undefined>>} env
 * @returns {Record<string, any>} with the global batch size
 * @throws PythonError for what does not fit
 */
export function validateArguments(settings, model, worldSize, env) {
  const of = (name) => settings[name];
  const size = of('tensor-model-parallel-size') * of('pipeline-model-parallel-size') * of('context-parallel-size');
  const dataParallel = Math.floor(worldSize / size);
  const batch = of('global-batch-size') ?? of('micro-batch-size') * dataParallel;
  require_(
    worldSize % size === 0,
    `world size (${worldSize}) is not divisible by total_model_size (encoder_model_size=0 + decoder_model_size=${size})`,
  );
  require_(of('micro-batch-size') > 0, '');
  if (of('use-torch-fsdp2')) {
    require_(of('pipeline-model-parallel-size') === 1, '--use-torch-fsdp2 is not supported with pipeline parallelism');
    require_(of('expert-model-parallel-size') === 1, '--use-torch-fsdp2 is not supported with expert parallelism');
    require_(!of('use-distributed-optimizer'), "--use-torch-fsdp2 is not supported with MCore's distributed optimizer");
    require_(
      of('no-gradient-accumulation-fusion'),
      '--use-torch-fsdp2 is not supported with gradient accumulation fusion',
    );
    require_(
      ['torch_dist', 'torch_dcp'].includes(of('ckpt-format')),
      '--use-torch-fsdp2 requires --ckpt-format torch_dist or torch_dcp',
    );
    require_(
      of('untie-embeddings-and-output-weights'),
      '--use-torch-fsdp2 requires --untie-embeddings-and-output-weights',
    );
    require_(!of('fp16'), '--use-torch-fsdp2 not supported with fp16 yet');
    require_(
      env.CUDA_DEVICE_MAX_CONNECTIONS !== '1',
      'FSDP always requires CUDA_DEVICE_MAX_CONNECTIONS value large than one',
    );
  }
  if (of('lr-warmup-fraction') !== null)
    require_(of('lr-warmup-iters') === 0, 'can only specify one of lr-warmup-fraction and lr-warmup-iters');
  const { hidden_size: hidden, num_attention_heads: heads, max_position_embeddings: longest } = model.text_decoder;
  require_(hidden % heads === 0, '');
  if (of('context-parallel-size') > 1)
    require_(
      of('seq-length') % (2 * of('context-parallel-size')) === 0,
      'seq-length should be a multiple of 2 * context-parallel-size if context-parallel-size > 1.',
    );
  require_(
    longest >= of('seq-length'),
    `max_position_embeddings (${longest}) must be greater than or equal to seq_length (${of('seq-length')}).`,
  );
  if (of('save') !== null) require_(of('save-interval') !== null, '');
  if (of('ckpt-format') === 'torch_dcp') {
    require_(of('use-torch-fsdp2'), '--ckpt-format torch_dcp is only tested with FSDP.');
    require_(
      of('tensor-model-parallel-size') <= 1,
      '--ckpt-format torch_dcp is not tested with megatron tensor parallelism.',
    );
  }
  require_(
    !(of('calculate-per-sample-loss') && of('calculate-per-token-loss')),
    'calculate_per_sample_loss and calculate_per_token_loss cannot be used simultaneously; only one of them can be enabled.',
  );
  require_(
    batch % (of('micro-batch-size') * dataParallel) === 0,
    `global batch size (${batch}) is not divisible by micro batch size (${of('micro-batch-size')}) times data parallel size (${dataParallel})`,
  );
  return { ...settings, 'global-batch-size': batch };
}

function require_(isMet, message) {
  if (!isMet) throw new PythonError('AssertionError', message);
}
