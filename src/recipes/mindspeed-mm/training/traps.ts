import type { CheckId } from '../../../domain/preflight/list.js';
import type { NpuCheckId } from '../preflight/list.js';

/** What stops a trap, and where: a lint of the spec, the launch that is made, a check on the hosts, a stage, or a line of the log that ends the training or names the cause of its end. */
export type Guard =
  | { readonly by: 'lint'; readonly id: string }
  | { readonly by: 'launch'; readonly what: string }
  | { readonly by: 'preflight'; readonly check: CheckId | NpuCheckId }
  | {
      readonly by: 'stage';
      readonly stage: 'environment' | 'weights' | 'data' | 'check' | 'convert' | 'train' | 'export';
      readonly check: string;
    }
  | { readonly by: 'log'; readonly rule: string };

/** One way in which the example lets a training fail late, or not at all. */
export interface Trap {
  /** T1 to T12: in the example's script and texts. L1 to L20: conditions that upstream notices late. */
  readonly id: string;
  readonly what: string;
  readonly guards: readonly [Guard, ...Guard[]];
}

/** Every trap with what stops it. */
export const TRAPS: readonly Trap[] = [
  trap('T1', 'one checkpoint, at the very end', lint('train/one-checkpoint')),
  trap(
    'T2',
    'a resume begins optimizer, schedule and random state again',
    lint('train/weights-only-warmup'),
    lint('train/weights-only-resume'),
    launch('fidelity decides the four flags'),
  ),
  trap(
    'T3',
    'the script can end with status 0 after a failure',
    launch('torchrun is started itself, without a shell'),
    stage('train', 'last iteration, end of training and proven checkpoint'),
  ),
  trap(
    'T4',
    'nothing switches the load path between first start and resume',
    launch("--load is the attempt's own view"),
  ),
  trap(
    'T5',
    'missing or unexpected keys are only printed',
    log('keys-missing'),
    log('keys-unexpected'),
    log('load-untold'),
  ),
  trap(
    'T6',
    'a save into a half-written folder mixes two, and the tracker is not atomic',
    launch("--save is the attempt's own folder"),
    stage('train', 'shards agree with .metadata'),
  ),
  trap(
    'T7',
    'a conversion of data that was interrupted can never be repeated',
    stage('data', 'rows are written beside and renamed; kept and dropped rows are counted'),
  ),
  trap(
    'T8',
    'conversions hold the whole model in memory and compare nothing',
    stage('convert', 'memory and disk before the command starts'),
    stage('convert', 'keys, shapes and dtypes of .metadata'),
    stage('export', 'names, shapes and dtypes of the original'),
  ),
  trap(
    'T9',
    'a shared cache folder, and streams that cannot resume',
    launch("cache_dir is on the host's own disk"),
    lint('data/streaming-no-resume'),
  ),
  trap(
    'T10',
    'scripts that do not exist, and values edited by hand on each host',
    launch('all values of a host are computed'),
  ),
  trap(
    'T11',
    'versions are pinned in prose only',
    stage('environment', 'lock equal on all hosts'),
    preflight('versions'),
    preflight('npu/same-versions'),
  ),
  trap(
    'T12',
    'a missing tool, a wrong interface or a slow save end in a silent wait',
    preflight('npu/tools'),
    preflight('npu/interface'),
    preflight('npu/link'),
    preflight('workspace-bandwidth'),
    launch('interfaces are named'),
  ),
  trap(
    'L1',
    'the load path has no tracker: random weights',
    launch('--exit-on-missing-checkpoint'),
    log('checkpoint-not-found'),
    log('random-start'),
    log('checkpoint-required'),
    log('tracker-invalid'),
  ),
  trap('L2', 'load or save folder is not shared', preflight('workspace-shared')),
  trap(
    'L3',
    'images cannot be found: every sample is skipped',
    stage('data', 'images resolve as the loader resolves them'),
  ),
  trap('L4', 'a row has another number of <image> than of images', stage('data', '<image> against images')),
  trap('L5', 'roles in a wrong order', stage('data', 'roles and order of turns')),
  trap('L6', 'fewer samples than ranks', stage('check', 'rows against world batch')),
  trap(
    'L7',
    'image and text are longer than the sequence',
    lint('data/image-exceeds-sequence'),
    stage('check', 'estimated tokens'),
  ),
  trap('L8', 'a corrupt image or a decompression bomb', stage('check', 'image headers')),
  trap(
    'L9',
    'tokenizing takes longer than torch waits',
    lint('train/short-timeout'),
    launch('--distributed-timeout-minutes from the rows'),
  ),
  trap('L10', 'a misspelt key of the data file fails after the load', launch('the file is made, with known keys only')),
  trap(
    'L11',
    'a list of files with spaces, or a file that is not there',
    lint('workspace/comma-in-path'),
    stage('data', 'files exist'),
  ),
  trap(
    'L12',
    'one cache folder for all hosts',
    launch("cache_dir is on the host's own disk"),
    preflight('scratch-private'),
  ),
  trap('L13', 'iterations and saves do not fit together', lint('train/one-checkpoint')),
  trap(
    'L14',
    'too little disk or memory',
    preflight('workspace-disk'),
    preflight('scratch-disk'),
    stage('convert', 'memory and disk before the command starts'),
    stage('export', 'memory and disk before the command starts'),
  ),
  trap(
    'L15',
    'a rank given twice, localhost as meeting point, a global batch from a wrong variable',
    launch('node rank, address and batch are computed'),
    preflight('address'),
    preflight('addresses'),
    preflight('master-port'),
  ),
  trap(
    'L16',
    'export from the parent folder, or from a torn checkpoint',
    stage('export', 'the iteration folder of a proven checkpoint'),
  ),
  trap('L17', 'the output of the data conversion exists', stage('data', 'rows are written beside and renamed')),
  trap(
    'L18',
    'the order of installation replaced torch or transformers',
    stage('environment', 'versions after the last installation'),
  ),
  trap('L19', 'a comment behind a backslash becomes an argument', launch('an array of arguments, never a text')),
  trap('L20', 'a loss that is not a number takes its field out of the log', log('loss-not-a-number')),
];

function trap(id: string, what: string, ...guards: readonly [Guard, ...Guard[]]): Trap {
  return { id, what, guards };
}

function lint(id: string): Guard {
  return { by: 'lint', id };
}

function launch(what: string): Guard {
  return { by: 'launch', what };
}

function preflight(check: CheckId | NpuCheckId): Guard {
  return { by: 'preflight', check };
}

function stage(name: Extract<Guard, { by: 'stage' }>['stage'], check: string): Guard {
  return { by: 'stage', stage: name, check };
}

function log(rule: string): Guard {
  return { by: 'log', rule };
}
