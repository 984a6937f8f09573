import type { StoredState } from '../../schemas/ledger.js';
import type { CheckpointLayout } from '../checkpoint-contract.js';

/** File beside the checkpoint folders that names the newest one; upstream rewrites it in place, not atomically. */
export const TRACKER_FILE = 'latest_checkpointed_iteration.txt';

/** Folder of converted weights that were never trained. */
export const RELEASE_FOLDER = 'release';

/** What a tracker file says. */
export type Tracker =
  | { readonly kind: 'iteration'; readonly iteration: number }
  | { readonly kind: 'release' }
  | { readonly kind: 'empty' }
  | { readonly kind: 'garbled'; readonly text: string };

/** Part of the training state that an entry of a checkpoint belongs to. */
export type StateComponent = 'model' | 'optimizer' | 'schedule' | 'rng' | 'progress' | 'other';

/** Folder name of a training checkpoint: at least seven digits. */
export function iterationFolder(iteration: number): string {
  return `iter_${String(iteration).padStart(7, '0')}`;
}

/** What a folder name means: an iteration, or converted weights (`iteration` null); null when it is neither. */
export function parseCheckpointFolder(name: string): { readonly iteration: number | null } | null {
  if (name === RELEASE_FOLDER) return { iteration: null };
  const digits = /^iter_(\d{7,15})$/.exec(name)?.[1];
  return digits === undefined ? null : { iteration: Number(digits) };
}

/** Reads the text of a tracker file; upstream writes no line feed, people do. */
export function parseTracker(text: string): Tracker {
  const trimmed = text.trim();
  if (trimmed === '') return { kind: 'empty' };
  if (trimmed === RELEASE_FOLDER) return { kind: 'release' };
  if (/^\d{1,15}$/.test(trimmed)) return { kind: 'iteration', iteration: Number(trimmed) };
  return { kind: 'garbled', text: trimmed.slice(0, 80) };
}

/** Global rank that wrote a shard file such as `__12_0.distcp`, or null when it is another file. */
export function parseShardRank(fileName: string): number | null {
  const rank = /^__(\d{1,9})_\d+\.distcp$/.exec(fileName)?.[1];
  return rank === undefined ? null : Number(rank);
}

/** Key path of model tensors in a checkpoint: the state's `model`, then the wrapper module's own `model`. */
const MODEL_PREFIX = 'model.model.';

/** Name of a model tensor in a checkpoint, from its name in the Hugging Face folder. */
export function hfNameToFqn(name: string): string {
  return `${MODEL_PREFIX}${name}`;
}

/** Name of a checkpoint's model tensor in the Hugging Face folder, or null when it is not a model tensor. */
export function fqnToHfName(fqn: string): string | null {
  return fqn.startsWith(MODEL_PREFIX) ? fqn.slice(MODEL_PREFIX.length) : null;
}

/** Says which part of the training state an entry belongs to. */
export function componentOf(fqn: string): StateComponent {
  const key = fqn.split('.', 1)[0] ?? '';
  return COMPONENTS.get(key) ?? 'other';
}

const COMPONENTS: ReadonlyMap<string, StateComponent> = new Map<string, StateComponent>([
  ['model', 'model'],
  ['optimizer', 'optimizer'],
  ['opt_param_scheduler', 'schedule'],
  ['rng_state', 'rng'],
  ['args', 'progress'],
  ['iteration', 'progress'],
  ['num_floating_point_operations_so_far', 'progress'],
]);

/** Which parts of the training state the entries of a checkpoint are. */
export function storedState(fqns: Iterable<string>): StoredState {
  const names = [...fqns];
  const has = (component: StateComponent): boolean => names.some((fqn) => componentOf(fqn) === component);
  return {
    weights: has('model'),
    // Of Adam, or of SGD and Muon. `optimizer.param_groups` alone holds none: upstream writes it even before step 1.
    moments: names.some((fqn) => /^optimizer\.state\..+\.(exp_avg|momentum_buffer)$/.test(fqn)),
    schedule: has('schedule'),
    rng: has('rng'),
    progress: names.includes('iteration') && names.includes('args'),
  };
}

/** The names above as the checkpoint checks take them. */
export const megatronLayout: CheckpointLayout = {
  trackerFile: TRACKER_FILE,
  iterationEntry: 'iteration',
  parseFolder: parseCheckpointFolder,
  shardRank: parseShardRank,
  parseTracker(text: string): string | null {
    const tracker = parseTracker(text);
    if (tracker.kind === 'release') return RELEASE_FOLDER;
    return tracker.kind === 'iteration' ? iterationFolder(tracker.iteration) : null;
  },
  isOptimizer: (fqn: string): boolean => componentOf(fqn) === 'optimizer',
  isStepCounter: (fqn: string): boolean => /^optimizer\.state\..+\.step$/.test(fqn),
  storedState,
};
