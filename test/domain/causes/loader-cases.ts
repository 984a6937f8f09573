import { at, rank, signs, type FailureCase } from './failure-cases.js';

/** The exception of a data worker as torch hands it on. */
function caught(exception: string, message: string): string[] {
  return [
    `${exception}: Caught ${exception} in DataLoader worker process 0.`,
    'Original Traceback (most recent call last):',
    '  File "data.py", line 1, in read',
    `${exception}: ${message}`,
  ];
}

/** What a rank says whose data worker ended, to the cause that it must be. */
export const LOADER_CASES: readonly FailureCase[] = (
  [
    ['was killed', ['RuntimeError: DataLoader worker (pid 7) is killed by signal: Killed. '], 'out-of-memory'],
    [
      'found no shared memory',
      ['RuntimeError: DataLoader worker (pid 7) is killed by signal: Bus error. '],
      'out-of-memory',
    ],
    [
      'said that it found no shared memory',
      ['ERROR: Unexpected bus error encountered in worker. This might be caused by insufficient shared memory (shm).'],
      'out-of-memory',
    ],
    ['crashed', ['RuntimeError: DataLoader worker (pid 7) is killed by signal: Segmentation fault. '], 'rank-crashed'],
    ['vanished', ['RuntimeError: DataLoader worker (pid(s) 7, 8) exited unexpectedly'], 'rank-crashed'],
    ['lost its mount', caught('OSError', "[Errno 116] Stale file handle: '/data/1.png'"), 'workspace-lost'],
    ['met a fault of its mount', caught('OSError', "[Errno 5] Input/output error: '/data/1.png'"), 'workspace-lost'],
    ['found a full disk', caught('OSError', '[Errno 28] No space left on device'), 'disk-full', 'stop'],
    [
      'found a broken image',
      caught('OSError', 'image file is truncated (5 bytes not processed)'),
      'data-error',
      'stop',
    ],
  ] as const
).map(([what, said, cause, reaction = 'restart']) => ({
  name: `a data worker that ${what}`,
  cause,
  reaction,
  signs: signs('h1', {
    ranks: [rank(0, ['Traceback (most recent call last):', '  File "train.py", line 1, in main', ...said], 1)],
    ends: [{ rank: 0, code: 1, signal: null, at: at(1) }],
  }),
}));
