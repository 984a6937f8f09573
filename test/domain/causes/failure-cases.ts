import { readFileSync } from 'node:fs';
import { GENERIC_RULES } from '../../../src/domain/causes/cause-rules.js';
import { findingsOf, type HostSigns } from '../../../src/domain/causes/evidence.js';
import { cpuTiny } from '../../../src/recipes/cpu-tiny/recipe.js';
import { parseTorchrunSummary, parseTracebacks } from '../../../src/recipes/megatron/failures.js';
import type { Finding, HostEvidence } from '../../../src/schemas/incident.js';

const LOGS = new URL('../../fixtures/logs/cpu-tiny/', import.meta.url);
export const RULES = [...cpuTiny.verdictRules, ...GENERIC_RULES];
const T0 = Date.parse('2026-11-23T23:31:42.000Z');
export const at = (seconds: number): string => new Date(T0 + seconds * 1_000).toISOString();

function lines(file: string): string[] {
  return readFileSync(new URL(file, LOGS), 'utf8').split('\n');
}

/** A launcher that ended without a word of its own. */
export function launcher(code: number | null, signal: string | null, when: string): HostSigns['launcher'] {
  return { code, signal, at: when, errorLines: [], exceptions: [] };
}

/** Signs of one host, as they are read from real logs; the times are those of the files. */
export function signs(host: string, over: Partial<HostSigns>): HostSigns {
  return { host, ranks: [], ends: [], events: [], stop: null, launcher: null, unkillable: [], ...over };
}

/** The error log of a rank that wrote it last at a time. */
export function rank(number: number, text: readonly string[], seconds: number): HostSigns['ranks'][number] {
  return {
    rank: number,
    errorLines: text,
    exceptions: parseTracebacks(text).map(({ exception, message }) => `${exception}: ${message}`),
    errorAt: text.length === 0 ? null : at(seconds),
  };
}

function ends(file: string, seconds: number): HostSigns['ends'] {
  const summary = parseTorchrunSummary(lines(file).join('\n'));
  if (summary === null) throw new Error(`${file} holds no summary`);
  return [summary.rootCause, ...summary.others].map((end) => ({
    rank: end.rank,
    code: end.signal === null ? end.exitCode : null,
    signal: end.signal,
    at: at(seconds),
  }));
}

export function evidence(
  host: string,
  nodeRank: number,
  findings: readonly Finding[],
  over: Partial<HostEvidence> = {},
): HostEvidence {
  return {
    v: 1,
    host,
    nodeRank,
    isReached: true,
    findings: [...findings],
    exitCode: 1,
    exitSignal: null,
    stopReason: null,
    endedAt: null,
    unkillable: [],
    phase: 'training',
    lastIteration: 10,
    lastIterationAt: null,
    firstIterationAt: null,
    stepMs: null,
    clockOffsetMs: 0,
    tail: [],
    ...over,
  };
}

/** Two hosts of which the second rank was killed: the logs of a real run. */
export const PEER = findingsOf(
  signs('h1', {
    ranks: [rank(0, lines('killed-peer-rank-0.err.txt'), 3)],
    ends: ends('killed-peer-torchrun-0.err.txt', 3),
    launcher: launcher(1, null, at(3.2)),
  }),
  RULES,
);
export const KILLED = findingsOf(
  signs('h2', { ends: ends('killed-rank-torchrun-1.err.txt', 0), launcher: launcher(1, null, at(0.5)) }),
  RULES,
);

export interface FailureCase {
  readonly name: string;
  readonly signs: HostSigns;
  readonly cause: string;
  readonly reaction: string;
}

/** What one rank wrote, and how it ended, to the cause that it must be. */
export const CASES: readonly FailureCase[] = [
  ...(
    [
      ['OSError: [Errno 28] No space left on device', 'disk-full', 'stop'],
      [
        'torch.distributed.DistNetworkError: The server socket has failed to listen. EADDRINUSE',
        'port-taken',
        'clean-restart',
      ],
      [
        "RuntimeError: [enforce fail at alloc_cpu.cpp:114] DefaultCPUAllocator: can't allocate memory",
        'out-of-memory',
        'restart',
      ],
      ['torch.OutOfMemoryError: Device out of memory. Tried to allocate 2.00 GiB', 'out-of-memory', 'restart'],
      ['RuntimeError: PytorchStreamWriter failed writing file data/0: file write failed', 'disk-full', 'stop'],
      ["ModuleNotFoundError: No module named 'torch'", 'environment', 'stop'],
      ['RuntimeError: Caught ValueError in DataLoader worker process 0.', 'data-error', 'stop'],
      ["FileNotFoundError: [Errno 2] No such file or directory: '/data/1.png'", 'data-error', 'stop'],
      ["OSError: [Errno 30] Read-only file system: '/w/runs/r/ckpt'", 'workspace-lost', 'restart'],
      ["OSError: [Errno 107] Transport endpoint is not connected: '/w/runs/r/ckpt'", 'workspace-lost', 'restart'],
      ["OSError: [Errno 116] Stale file handle: '/w/runs/r/ckpt'", 'workspace-lost', 'restart'],
      [
        'AssertionError: Rank 13: found NaN in local grad norm in backward pass before data-parallel communication collective. Device: 5, node: n1',
        'nan-loss',
        'restart',
      ],
      [
        "RuntimeError: Rank 255, node n1, device 7, iteration 2: Unexpected result nan (message='found NaN in local forward loss calculation')",
        'nan-loss',
        'restart',
      ],
      ['RuntimeError: Rank 0, node n1, device 0, iteration 9: Unexpected result -inf', 'nan-loss', 'restart'],
      ['socket.gaierror: [Errno -3] Temporary failure in name resolution', 'link-fault', 'restart'],
      [
        'torch.distributed.DistNetworkError: The IPv6 network addresses of (h0, 6000) cannot be retrieved (gai error: -2 - Name or service not known).',
        'link-fault',
        'restart',
      ],
      ["KeyError: 'image'", 'code-error', 'stop'],
      ['RuntimeError: something nobody has seen', 'exception', 'restart'],
    ] as const
  ).map(([last, cause, reaction]) => {
    const text = ['Traceback (most recent call last):', '  File "train.py", line 1, in main', last];
    return {
      name: last,
      cause,
      reaction,
      signs: signs('h1', { ranks: [rank(0, text, 1)], ends: [{ rank: 0, code: 1, signal: null, at: at(1) }] }),
    };
  }),
  {
    name: 'an argument that argparse refuses',
    cause: 'bad-input',
    reaction: 'stop',
    signs: signs('h1', {
      ranks: [rank(0, ['usage: train.py', 'train.py: error: unrecognized arguments: --lrr 1'], 1)],
      ends: [{ rank: 0, code: 2, signal: null, at: at(1) }],
    }),
  },
  {
    name: 'exit status 2 without a word',
    cause: 'bad-input',
    reaction: 'stop',
    signs: signs('h1', { ends: [{ rank: 0, code: 2, signal: null, at: at(1) }] }),
  },
  ...(
    [
      [137, 'rank-killed'],
      [134, 'rank-crashed'],
      [139, 'rank-crashed'],
    ] as const
  ).map(([code, cause]) => ({
    name: `exit status ${code}`,
    cause,
    reaction: 'restart',
    signs: signs('h1', { ends: [{ rank: 0, code, signal: null, at: at(1) }] }),
  })),
  {
    name: 'a crash',
    cause: 'rank-crashed',
    reaction: 'restart',
    signs: signs('h1', { ends: [{ rank: 0, code: null, signal: 'SIGSEGV', at: at(1) }] }),
  },
  {
    name: 'exit status 1 without a word',
    cause: 'rank-exit',
    reaction: 'restart',
    signs: signs('h1', { launcher: launcher(1, null, at(1)) }),
  },
  {
    name: 'a killed launcher',
    cause: 'rank-killed',
    reaction: 'restart',
    signs: signs('h1', { launcher: launcher(null, 'SIGKILL', at(1)) }),
  },
  {
    name: 'a killed keeper',
    cause: 'keeper-lost',
    reaction: 'clean-restart',
    signs: signs('h1', { stop: { reason: 'keeper-lost', at: at(1) } }),
  },
  {
    name: 'a fence',
    cause: 'fenced',
    reaction: 'stop',
    signs: signs('h1', { stop: { reason: 'fenced: attempt 4', at: at(1) } }),
  },
  {
    name: 'a workspace that is gone',
    cause: 'workspace-lost',
    reaction: 'restart',
    signs: signs('h1', { stop: { reason: 'workspace-lost', at: at(1) } }),
  },
  {
    name: 'a stall',
    cause: 'stalled',
    reaction: 'restart',
    signs: signs('h1', { stop: { reason: 'stalled: no iteration for 30 s', at: at(1) } }),
  },
  {
    name: 'what survives SIGKILL',
    cause: 'unkillable',
    reaction: 'replace-host',
    signs: signs('h1', { stop: { reason: 'a node of the gang failed', at: at(1) }, unkillable: [7] }),
  },
  {
    name: 'missing keys',
    cause: 'empty-load',
    reaction: 'stop',
    signs: signs('h1', {
      events: [{ id: 'keys-missing', text: "Missing keys: ['a']", rank: 0, at: at(1) }],
      stop: { reason: 'keys-missing', at: at(2) },
    }),
  },
  {
    name: 'a load that told nothing',
    cause: 'empty-load',
    reaction: 'stop',
    signs: signs('h1', {
      events: [{ id: 'load-untold', text: 'the log does not say that there are no missing keys', rank: 0, at: at(1) }],
      stop: { reason: 'load-untold', at: at(2) },
    }),
  },
  {
    name: 'other frozen modules',
    cause: 'bad-input',
    reaction: 'stop',
    signs: signs('h1', {
      events: [{ id: 'freeze-differs', text: 'the training froze nothing instead of lm_head', rank: 0, at: at(1) }],
      stop: { reason: 'freeze-differs', at: at(2) },
    }),
  },
  {
    name: 'a loss that is NaN',
    cause: 'nan-loss',
    reaction: 'restart',
    signs: signs('h1', {
      events: [{ id: 'loss-not-a-number', text: 'iteration 3', rank: 1, at: at(1) }],
      stop: { reason: 'loss-not-a-number', at: at(2) },
    }),
  },
];

/** Consequences of whatever happened elsewhere. */
export const CASCADES: readonly Finding[][] = [
  PEER,
  findingsOf(
    signs('h3', {
      stop: { reason: 'a node of the gang failed', at: at(9) },
      ends: [{ rank: 2, code: null, signal: 'SIGKILL', at: at(9) }],
    }),
    RULES,
  ),
  findingsOf(
    signs('h5', {
      ranks: [rank(4, ['RuntimeError: DataLoader worker (pid 7) is killed by signal: Terminated. '], 9)],
      ends: [{ rank: 4, code: 1, signal: null, at: at(9) }],
    }),
    RULES,
  ),
  findingsOf(
    signs('h6', {
      ranks: [
        rank(
          5,
          [
            'Traceback (most recent call last):',
            'torch.distributed.DistStoreError: Timed out after 601 seconds waiting for clients. 1/2 clients joined.',
          ],
          1,
        ),
      ],
    }),
    RULES,
  ),
  findingsOf(signs('h4', { ends: [{ rank: 3, code: null, signal: 'SIGTERM', at: at(0) }] }), RULES),
  findingsOf(signs('h7', { ends: [{ rank: 6, code: 143, signal: null, at: at(0) }] }), RULES),
];
