import { cascade, row } from './cause-row.js';
import type { CauseRule } from './causes.js';

const ROWS: readonly CauseRule[] = [
  row(
    'disk-full',
    { kind: 'text', pattern: /No space left on device|Disk quota exceeded|ENOSPC|EDQUOT/ },
    'disk-full',
    'stop',
    'a disk is full, seen by rank {rank} on {host}: {text}',
  ),
  {
    ...row(
      'write-failed',
      { kind: 'text', pattern: /PytorchStreamWriter failed|file write failed/ },
      'disk-full',
      'stop',
      'rank {rank} on {host} could not write a file, as on a full disk; do not trust the newest checkpoint: {text}',
    ),
    // The writer of torch does not say why; the system may, in another line.
    order: 'last',
  },
  row(
    'port-taken',
    { kind: 'text', pattern: /EADDRINUSE|[Aa]ddress already in use/ },
    'port-taken',
    'clean-restart',
    'the port of the rendezvous was taken on {host}: {text}',
  ),
  row(
    'out-of-memory',
    {
      kind: 'text',
      pattern:
        /out of memory\. Tried to allocate|MemoryError|Cannot allocate memory|DefaultCPUAllocator: can't allocate|Out of memory: Killed process/,
    },
    'out-of-memory',
    'restart',
    'rank {rank} on {host} ran out of memory: {text}',
  ),
  row(
    'mount-failed',
    {
      kind: 'text',
      // Sockets are not connected either; only files have a path.
      pattern:
        /Stale file handle|\bESTALE\b|\[Errno 5\]|Input\/output error|Read-only file system|\bEROFS\b|Transport endpoint is not connected.{0,4}['"[/]/,
    },
    'workspace-lost',
    'restart',
    'a mount of {host} failed under rank {rank}: {text}',
  ),
  row(
    'loss-refused',
    {
      kind: 'text',
      // Megatron-LM: an assertion of its older versions, `validate_result` of the newer (read in its main branch).
      pattern: /found (NaN|Inf) in local (forward loss|grad norm)|Unexpected result -?(nan|inf)\b/i,
    },
    'nan-loss',
    'restart',
    'the loss or its gradients became NaN or infinite on rank {rank} of {host}: {text}',
  ),
  row(
    'names-unanswered',
    { kind: 'text', pattern: /Temporary failure in name resolution|\bEAI_AGAIN\b/ },
    'link-fault',
    'restart',
    '{host} got no answer to which address a name has, seen by rank {rank}; look at its DNS: {text}',
  ),
  {
    ...row(
      'name-unknown',
      { kind: 'text', pattern: /Name or service not known|No address associated with hostname|\bEAI_NONAME\b/ },
      'environment',
      'stop',
      '{host} knows no address of a name that rank {rank} needs; look at its DNS and /etc/hosts: {text}',
    ),
    onceStepped: { cause: 'link-fault', reaction: 'restart' },
  },
  // Data workers are processes of their own: how one ended says nothing about the data.
  row(
    'loader-killed',
    { kind: 'text', pattern: /DataLoader worker .{0,80}killed by signal: Killed/ },
    'out-of-memory',
    'restart',
    'a data worker of rank {rank} on {host} was killed, as a host out of memory does; fewer workers need less: {text}',
  ),
  row(
    'loader-shared-memory',
    {
      kind: 'text',
      pattern: /DataLoader worker .{0,80}killed by signal: Bus error|Unexpected bus error encountered in worker/,
    },
    'out-of-memory',
    'restart',
    'the shared memory of {host} was full under rank {rank}; enlarge /dev/shm or use fewer data workers: {text}',
  ),
  cascade(
    'loader-ended-on-request',
    { kind: 'text', pattern: /DataLoader worker .{0,80}killed by signal: (Terminated|Interrupt|Hangup)/ },
    'stopped',
    'a data worker of rank {rank} on {host} was told to end: {text}',
  ),
  row(
    'loader-crashed',
    { kind: 'text', pattern: /DataLoader worker .{0,80}(killed by signal|exited unexpectedly)/ },
    'rank-crashed',
    'restart',
    'a data worker of rank {rank} on {host} crashed: {text}',
  ),
  {
    ...row(
      'loader-file',
      { kind: 'text', pattern: /Caught \w+ in DataLoader worker/ },
      'data-error',
      'stop',
      'rank {rank} on {host} could not read its data: {text}',
    ),
    // The traceback of the worker follows, and may name a disk, a mount or memory.
    order: 'last',
  },
  row(
    'module-missing',
    { kind: 'text', pattern: /(ModuleNotFoundError|ImportError): / },
    'environment',
    'stop',
    'rank {rank} on {host} lacks software: {text}',
  ),
  row(
    'arguments-refused',
    { kind: 'text', pattern: /error: (unrecognized arguments|argument .{1,80}:|the following arguments are required)/ },
    'bad-input',
    'stop',
    'the training refused its arguments on {host}: {text}',
  ),
  cascade(
    'peer-gone',
    {
      kind: 'text',
      pattern:
        /Connection (closed|reset) by (remote )?peer|Broken pipe|Socket Timeout|client socket has timed out|Timed out after \d+ seconds waiting for clients|Timed out waiting \d+ms for (recv|send)|recvBytes|Watchdog caught collective operation timeout|connection to .{1,80} was (closed|reset)|Connect timeout|Connection refused|Transport endpoint is not connected/i,
    },
    'peer-lost',
    'rank {rank} on {host} lost a peer: {text}',
  ),
];

/** Files of a workspace that cannot be seen any more: it went away, and who looked first found them missing. */
export function vanishedWorkspace(workspace: string): CauseRule {
  const path = workspace.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return {
    ...row(
      'workspace-vanished',
      {
        kind: 'text',
        pattern: new RegExp(
          `(FileNotFoundError|NotADirectoryError|PermissionError|No such file or directory)\\b.*${path}(/|\\b)`,
        ),
        isAnywhere: false,
      },
      'workspace-lost',
      'restart',
      'the workspace was gone on {host}, so rank {rank} missed its files: {text}',
    ),
    order: 'first',
  };
}

/**
 * What lines of a failed rank's error log mean. A line meets the first rule that fits. Programs go on from much of this
 * (an optional module, a port that they try again), so an exception that ended the rank is looked at alone.
 */
export const TEXT_RULES: readonly CauseRule[] = ROWS.map((rule) =>
  rule.match.kind === 'text' ? { ...rule, match: { ...rule.match, isAnywhere: false } } : rule,
);
