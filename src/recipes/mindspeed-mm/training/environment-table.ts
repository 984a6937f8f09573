import {
  affinity,
  allocator,
  isSince,
  oneOf,
  truthValue,
  wholeNumber,
  type Platform,
  type Product,
  type ValueRule,
} from './value-rules.js';

/** Values that hold where everything else of the row is met. */
interface ScopedRule {
  readonly rule: ValueRule;
  /** Absent: on every product. */
  readonly products?: readonly Product[];
  /** First CANN version that they are documented for; absent: any. */
  readonly sinceCann?: string;
  /** Only while another variable has this value. */
  readonly when?: readonly [name: string, value: string];
  readonly source: string;
}

/** One variable of the guide's table. */
export interface Variable {
  readonly name: string;
  readonly meaning: string;
  /** What the launch sets when the spec says nothing; null: left to the software. */
  readonly value: string | null;
  /** From the general to the special: the last row that fits a platform decides. */
  readonly rules: readonly [ScopedRule, ...ScopedRule[]];
}

const GUIDE = 'guide of GLM-4.5V, table of environment variables';
const CANN_850 = 'CANN 8.5.0, environment variables, HCCL_EXEC_TIMEOUT';
const SECONDS = 2_147_483_647;

/**
 * The guide's environment table, with its meanings and ranges; where a vendor's page documents more for a product or a
 * version, that stands behind it. Values are those of the example's launch script.
 */
export const VARIABLES: readonly Variable[] = [
  row('ASCEND_SLOG_PRINT_TO_STDOUT', 'Whether CANN prints its log on the screen: 0 no, 1 yes.', '0', oneOf('0', '1')),
  row(
    'ASCEND_GLOBAL_LOG_LEVEL',
    'Level of the application logs of all modules: 0 debug, 1 info, 2 warning, 3 error, 4 none.',
    '3',
    oneOf('0', '1', '2', '3', '4'),
  ),
  row(
    'TASK_QUEUE_ENABLE',
    'How far the queue that hands operators to the device is optimised: 0 off, 1 level 1, 2 level 2.',
    '2',
    oneOf('0', '1', '2'),
  ),
  row(
    'COMBINED_ENABLE',
    'Whether pairs of operators on non-contiguous tensors are combined: 0 no, 1 yes.',
    '1',
    oneOf('0', '1'),
  ),
  row(
    'CPU_AFFINITY_CONF',
    'How the host threads of a device are bound to CPU cores: 0 or unset not at all, 1 coarse, 2 fine; ranges for single devices may follow (2,npu0:0-1).',
    '1',
    affinity,
  ),
  row(
    'HCCL_CONNECT_TIMEOUT',
    'Seconds that devices wait for each other when sockets are set up, 120 to 7200; the software has 120, the example 1200, because hosts of a large gang start at different moments.',
    '1200',
    wholeNumber(120, 7_200),
  ),
  row(
    'PYTORCH_NPU_ALLOC_CONF',
    'Behaviour of the caching allocator of device memory; expandable_segments:True gives it virtual memory that grows.',
    'expandable_segments:True',
    allocator,
  ),
  {
    ...row(
      'HCCL_EXEC_TIMEOUT',
      'Seconds that devices wait for each other within a collective, 68 to 17340; a rank that saves makes all others wait. The software has 1800.',
      null,
      wholeNumber(68, 17_340),
    ),
    rules: [
      { rule: wholeNumber(68, 17_340), source: GUIDE },
      // 0 means never; that it is refused all the same is a lint of its own.
      { rule: wholeNumber(0, SECONDS), products: ['atlas-a2', 'atlas-a3'], sinceCann: '8.5', source: CANN_850 },
      {
        rule: wholeNumber(0, 1_091),
        products: ['atlas-a2', 'atlas-a3'],
        sinceCann: '8.5',
        when: ['HCCL_OP_EXPANSION_MODE', 'AIV'],
        source: CANN_850,
      },
    ],
  },
  row(
    'ACLNN_CACHE_LIMIT',
    'Entries of the cache for single operators on the host, 1 to 10000000; the software has 10000.',
    '100000',
    wholeNumber(1, 10_000_000),
  ),
  row(
    'TOKENIZERS_PARALLELISM',
    'Whether the tokenizer uses threads: False no, True yes. The data loader forks, and threads and forks do not mix.',
    'false',
    truthValue(),
  ),
  row('MULTI_STREAM_MEMORY_REUSE', 'Whether memory is reused between streams: 0 no, 1 yes.', '1', oneOf('0', '1')),
  row(
    'NPU_ASD_ENABLE',
    'Whether torch_npu watches values for silent faults of the hardware: 0 or unset no, 1 prints, 2 warns, 3 warns and records on the device.',
    '0',
    oneOf('0', '1', '2', '3'),
  ),
  row(
    'ASCEND_LAUNCH_BLOCKING',
    'Whether operators run one after the other: 0 no, 1 yes (for debugging; training crawls).',
    '0',
    oneOf('0', '1'),
  ),
  row(
    'NPUS_PER_NODE',
    'Devices of one host. Comes from fleet.npusPerHost, and may be written here only with the same number.',
    null,
    wholeNumber(1, 64),
  ),
];

/** The values of a variable on a platform. */
export function ruleFor({ rules }: Variable, platform: Platform): ValueRule {
  return (rules.findLast((scoped) => fits(scoped, platform)) ?? rules[0]).rule;
}

/** Name and meaning of each variable with what it may be and what it is set to, for the schema. */
export function documentedVariables(): readonly { readonly name: string; readonly description: string }[] {
  return VARIABLES.map(({ name, meaning, value, rules }) => ({
    name,
    description: `${meaning} Allowed: ${rules[0].rule.form}.${value === null ? '' : ` Default here: ${value}.`}`,
  }));
}

/** The variable of this name in the table, or null. */
export function findVariable(name: string): Variable | null {
  return VARIABLES.find((variable) => variable.name === name) ?? null;
}

/**
 * Variables that software of this training documents beyond the table. They pass unjudged; every other name is told,
 * because a misspelt variable is silently without effect.
 */
export const KNOWN_VARIABLES: ReadonlySet<string> = new Set([
  ...[
    'ASCEND_RT_VISIBLE_DEVICES',
    'ASCEND_GLOBAL_EVENT_ENABLE',
    'ASCEND_HOST_LOG_FILE_NUM',
    'ASCEND_MAX_OP_CACHE_SIZE',
  ],
  ...[
    'ASCEND_LOG_DEVICE_FLUSH_TIMEOUT',
    'ASCEND_MODULE_LOG_LEVEL',
    'CUDA_DEVICE_MAX_CONNECTIONS',
    'GLOO_SOCKET_IFNAME',
  ],
  ...['HCCL_SOCKET_IFNAME', 'HCCL_SOCKET_FAMILY', 'HCCL_IF_IP', 'HCCL_IF_BASE_PORT', 'HCCL_WHITELIST_DISABLE'],
  ...['HCCL_BUFFSIZE', 'HCCL_ALGO', 'HCCL_DETERMINISTIC', 'HCCL_OP_EXPANSION_MODE', 'HCCL_OP_RETRY_ENABLE'],
  ...['HCCL_OP_RETRY_PARAMS', 'HCCL_RDMA_TIMEOUT', 'HCCL_RDMA_RETRY_CNT', 'HCCL_RDMA_TC', 'HCCL_RDMA_SL'],
  ...['HCCL_INTRA_ROCE_ENABLE', 'HCCL_INTRA_PCIE_ENABLE', 'HCCL_ENTRY_LOG_ENABLE', 'HCCL_ASYNC_ERROR_HANDLING'],
  ...['INF_NAN_MODE_ENABLE', 'STREAMS_PER_DEVICE', 'NPU_ASD_UPPER_THRESH', 'NPU_ASD_SIGMA_THRESH', 'OMP_NUM_THREADS'],
  ...['OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS', 'PYTHONFAULTHANDLER', 'PYTHONUNBUFFERED', 'PYTHONHASHSEED'],
  ...['TORCH_DISTRIBUTED_DEBUG', 'TORCH_CPP_LOG_LEVEL', 'LD_PRELOAD', 'MALLOC_CONF', 'MALLOC_ARENA_MAX', 'TZ'],
]);

function row(name: string, meaning: string, value: string | null, rule: ValueRule): Variable {
  return { name, meaning, value, rules: [{ rule, source: GUIDE }] };
}

function fits({ products, sinceCann, when }: ScopedRule, { product, cann, others }: Platform): boolean {
  return (
    (products === undefined || products.includes(product)) &&
    (sinceCann === undefined || isSince(cann, sinceCann)) &&
    (when === undefined || others[when[0]] === when[1])
  );
}
