import { cascade, row } from './cause-row.js';
import { TEXT_RULES } from './cause-texts.js';
import { ANY_PROBLEM, type CauseRule } from './causes.js';

/**
 * What every training on torchrun can die of, first match wins within a kind. Recipes put their own rows before these
 * (`verdictRules`), because the texts of a device or a communication library belong to them.
 */
export const GENERIC_RULES: readonly CauseRule[] = [
  // Stops: the keeper says why. A stop that the gang itself asked for is never a cause.
  row(
    'fenced',
    { kind: 'stop', reason: /^fenced/ },
    'fenced',
    'stop',
    'a newer attempt took over, so {host} stopped its ranks',
  ),
  row(
    'workspace-lost',
    { kind: 'stop', reason: /^workspace-lost/ },
    'workspace-lost',
    'restart',
    '{host} could not reach the workspace, so its keeper stopped the ranks',
  ),
  row(
    'keeper-lost',
    { kind: 'stop', reason: /^keeper-lost/ },
    'keeper-lost',
    'clean-restart',
    'the keeper on {host} was killed',
  ),
  row(
    'stall',
    { kind: 'stop', reason: /^stalled/ },
    'stalled',
    'restart',
    'the training stalled, seen on {host}: {text}',
  ),
  row(
    'wrong-learning-rate',
    { kind: 'stop', reason: /^wrong-learning-rate/ },
    'wrong-learning-rate',
    'stop',
    'the resume went wrong, seen on {host}: {text}',
  ),
  row(
    'orphaned',
    { kind: 'stop', reason: /^orphaned/ },
    'keeper-lost',
    'restart',
    'nobody supervised {host} for too long, so its keeper stopped the ranks',
  ),
  cascade('stopped-on-request', { kind: 'stop', reason: /./ }, 'stopped', '{host} was stopped: {text}'),
  row(
    'survived-kill',
    { kind: 'unkillable' },
    'unkillable',
    'replace-host',
    'processes on {host} survive SIGKILL: {text}',
  ),
  row('host-silent', { kind: 'unobserved' }, 'host-lost', 'replace-host', '{host} vanished: {text}'),
  // Events: the training said that what it does is worthless.
  row(
    'weights-not-loaded',
    {
      kind: 'event',
      id: /^(checkpoint-not-found|random-start|checkpoint-required|tracker-invalid|keys-missing|keys-unexpected|load-untold)$/,
    },
    'empty-load',
    'stop',
    'the weights were not loaded on {host}: {text}',
  ),
  row(
    'loss-not-a-number',
    { kind: 'event', id: /^loss-not-a-number$/ },
    'nan-loss',
    'restart',
    'the loss became NaN: {text}',
  ),
  row(
    'wrong-freeze',
    { kind: 'event', id: /^freeze-differs$/ },
    'bad-input',
    'stop',
    'other modules are frozen than the spec asks for, seen on {host}: {text}',
  ),
  row('fatal-text', { kind: 'event', id: /./ }, 'code-error', 'stop', 'the training said on {host}: {text}'),
  ...TEXT_RULES,
  // Exceptions without a known text.
  row(
    'wrong-code',
    {
      kind: 'exception',
      pattern: /^(SyntaxError|NameError|AttributeError|TypeError|KeyError|AssertionError|NotImplementedError)\b/,
    },
    'code-error',
    'stop',
    'rank {rank} on {host} failed in its code: {text}',
  ),
  row(
    'file-missing',
    {
      kind: 'exception',
      pattern: /^(FileNotFoundError|IsADirectoryError|PermissionError|UnicodeDecodeError|json\.\S*JSONDecodeError)\b/,
    },
    'data-error',
    'stop',
    'rank {rank} on {host} could not read a file: {text}',
  ),
  row(
    'any-exception',
    { kind: 'exception', pattern: /./ },
    'exception',
    'restart',
    'rank {rank} on {host} failed: {text}',
  ),
  // Problems that activities of the attempt raised.
  row(
    'stalled',
    { kind: 'problem', codes: ['TrainingStalled'] },
    'stalled',
    'restart',
    'the training stalled, seen on {host}: {text}',
  ),
  row(
    'unproven',
    { kind: 'problem', codes: ['TrainingUnproven'] },
    'unfinished',
    'restart',
    'the training ended too early: {text}',
  ),
  row(
    'resume-broken',
    { kind: 'problem', codes: ['ResumeBroken'] },
    'wrong-learning-rate',
    'stop',
    'the resume went wrong, seen on {host}: {text}',
  ),
  row(
    'command-missing',
    { kind: 'problem', codes: ['CommandMissing', 'EnvironmentUnfit', 'EnvironmentsDiffer'] },
    'environment',
    'stop',
    'the software of {host} is not fit: {text}',
  ),
  row(
    'wrong-input',
    {
      kind: 'problem',
      codes: ['SpecInvalid', 'SpecChanged', 'SourceMissing', 'ProofFailed', 'FormatTooNew', 'ClaimHeld', 'RamTooSmall'],
    },
    'bad-input',
    'stop',
    '{text}',
  ),
  row('preflight-failed', { kind: 'problem', codes: ['PreflightFailed'] }, 'bad-input', 'stop', '{text}'),
  row('host-unfit', { kind: 'problem', codes: ['HostUnfit'] }, 'host-unfit', 'replace-host', '{text}'),
  row('host-occupied', { kind: 'problem', codes: ['HostOccupied'] }, 'leftover', 'clean-restart', '{text}'),
  row('disk-too-small', { kind: 'problem', codes: ['DiskTooSmall'] }, 'disk-full', 'stop', '{text}'),
  row(
    'workspace-unusable',
    { kind: 'problem', codes: ['WorkspaceUnusable'] },
    'workspace-lost',
    'stop',
    'the workspace cannot be used on {host}: {text}',
  ),
  row(
    'host-unreachable',
    { kind: 'problem', codes: ['HostUnreachable', 'HostLost'] },
    'host-lost',
    'replace-host',
    '{host} vanished: {text}',
  ),
  row(
    'keeper-gone',
    { kind: 'problem', codes: ['KeeperLost', 'KeeperUnusable'] },
    'keeper-lost',
    'clean-restart',
    'the keeper on {host} is of no use: {text}',
  ),
  row('fenced-off', { kind: 'problem', codes: ['FencedOff'] }, 'fenced', 'stop', 'a newer attempt took over: {text}'),
  row(
    'host-unkillable',
    { kind: 'problem', codes: ['HostUnkillable'] },
    'unkillable',
    'replace-host',
    '{host}: {text}',
  ),
  row(ANY_PROBLEM, { kind: 'problem' }, 'unknown', 'restart', '{text}'),
  // How ranks ended, when they left no word. 2 is what argparse and our own programs answer to wrong input.
  row(
    'killed',
    { kind: 'exit', signals: ['SIGKILL'] },
    'rank-killed',
    'restart',
    'rank {rank} on {host} was killed (SIGKILL)',
  ),
  row(
    'crashed',
    { kind: 'exit', signals: ['SIGSEGV', 'SIGBUS', 'SIGABRT', 'SIGFPE', 'SIGILL'] },
    'rank-crashed',
    'restart',
    'rank {rank} on {host} crashed ({text})',
  ),
  cascade(
    'ended-on-request',
    { kind: 'exit', signals: ['SIGTERM', 'SIGINT', 'SIGHUP'] },
    'stopped',
    'rank {rank} on {host} was told to end ({text})',
  ),
  row(
    'refused-input',
    { kind: 'exit', codes: [2] },
    'bad-input',
    'stop',
    'rank {rank} on {host} refused its input (exit status 2)',
  ),
  row(
    'killed-by-status',
    { kind: 'exit', codes: [137] },
    'rank-killed',
    'restart',
    'rank {rank} on {host} was killed (exit status 137)',
  ),
  // A shell between the launcher and the rank tells a signal as 128 and its number.
  row(
    'crashed-by-status',
    { kind: 'exit', codes: [132, 134, 135, 136, 139] },
    'rank-crashed',
    'restart',
    'rank {rank} on {host} crashed ({text})',
  ),
  cascade(
    'ended-on-request-by-status',
    { kind: 'exit', codes: [129, 130, 143] },
    'stopped',
    'rank {rank} on {host} was told to end ({text})',
  ),
  row('exit-status', { kind: 'exit' }, 'rank-exit', 'restart', 'rank {rank} on {host} ended with {text}'),
];
