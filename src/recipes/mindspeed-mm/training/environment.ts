import { join } from 'node:path';
import { VARIABLES } from './environment-table.js';
import type { TrainingFacts } from './facts.js';

/** A variable of the ranks, and why it has this value. */
export interface ExplainedVariable {
  readonly name: string;
  readonly value: string;
  readonly reason: string;
}

/** Environment of one host's ranks: the example's values, this host's folders, then what the spec says. */
export function trainingEnvironment(facts: TrainingFacts): readonly ExplainedVariable[] {
  const { spec, ranksPerNode } = facts;
  const all = [
    ...VARIABLES.flatMap(({ name, value, meaning }) => (value === null ? [] : [{ name, value, reason: meaning }])),
    { name: 'CUDA_DEVICE_MAX_CONNECTIONS', value: '2', reason: 'as in the example; 1 is refused together with FSDP2' },
    { name: 'NPUS_PER_NODE', value: String(ranksPerNode), reason: 'fleet.npusPerHost' },
    ...interfaces(facts.networkInterface),
    ...hostFolders(facts),
    ...OFFLINE,
    ...(spec.train.threadsPerRank === undefined
      ? []
      : [{ name: 'OMP_NUM_THREADS', value: String(spec.train.threadsPerRank), reason: 'train.threadsPerRank' }]),
  ];
  const stated = Object.entries(spec.train.env).map(([name, value]) => ({
    name,
    value: String(value),
    reason: `train.env.${name}`,
  }));
  const byName = new Map([...all, ...stated].map((variable) => [variable.name, variable]));
  return [...byName.values()];
}

/** The hosts have many interfaces; without a choice each library takes its own, and the ranks never meet. */
function interfaces(name: string | null): ExplainedVariable[] {
  if (name === null) return [];
  const reason = 'interface of the training address of this host';
  return [
    // "=" asks for the exact name: eth1 would also match eth10.
    { name: 'HCCL_SOCKET_IFNAME', value: `=${name}`, reason },
    { name: 'GLOO_SOCKET_IFNAME', value: name, reason },
  ];
}

function hostFolders({ folders }: TrainingFacts): ExplainedVariable[] {
  const cache = (name: string, folder: string): ExplainedVariable => ({
    name,
    value: join(folders.caches, folder),
    reason: "on the host's own disk: hosts that share a cache write over each other",
  });
  return [
    cache('HF_HOME', 'huggingface'),
    cache('HF_DATASETS_CACHE', 'huggingface-datasets'),
    cache('ASCEND_CACHE_PATH', 'ascend-cache'),
    cache('ASCEND_WORK_PATH', 'ascend-work'),
    cache('TORCH_EXTENSIONS_DIR', 'torch-extensions'),
    cache('TRITON_CACHE_DIR', 'triton'),
    {
      name: 'ASCEND_PROCESS_LOG_PATH',
      value: folders.plog,
      reason: 'logs of CANN, one folder for each attempt, so that an older failure is never taken for this one',
    },
  ];
}

const OFFLINE: readonly ExplainedVariable[] = [
  ...['HF_HUB_OFFLINE', 'HF_DATASETS_OFFLINE', 'TRANSFORMERS_OFFLINE'].map((name) => ({
    name,
    value: '1',
    reason: 'everything is on disk; a rank that asked a hub would hang where there is no way out',
  })),
  { name: 'PYTHONUNBUFFERED', value: '1', reason: 'a line is in its log when it was printed' },
];
