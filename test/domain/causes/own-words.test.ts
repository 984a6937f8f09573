import { describe, expect, it } from 'vitest';
import { GENERIC_RULES } from '../../../src/domain/causes/cause-rules.js';
import { findingsOf, type HostSigns } from '../../../src/domain/causes/evidence.js';
import { verdictRules } from '../../../src/recipes/mindspeed-mm/verdict-rules.js';
import { at, rank, signs } from './failure-cases.js';

const ALL = [...verdictRules, ...GENERIC_RULES];
type End = Pick<HostSigns['ends'][number], 'code' | 'signal'>;
const FAILED: End = { code: 1, signal: null };
const SEGV: End = { code: null, signal: 'SIGSEGV' };
const KILL: End = { code: null, signal: 'SIGKILL' };
const ABRT: End = { code: null, signal: 'SIGABRT' };

const stack = [
  'Traceback (most recent call last):',
  '  File "/MindSpeed-MM/pretrain_transformers.py", line 41, in <module>',
  '    trainer.train()',
  '  File "/MindSpeed-MM/mindspeed_mm/training.py", line 355, in train_step',
  '    loss.backward()',
  '    ~~~~~~~~~~~~~^^',
];
const marked = (lines: readonly string[]): string[] => lines.map((line) => (line === '' ? '' : `[rank3]: ${line}`));
const SHAPE = 'RuntimeError: The size of tensor a (4096) must match the size of tensor b (2048) at dimension 1';
const START = [
  '[W1127 10:00:01.123456789 socket.cpp:767] [c10d] The client socket has failed to connect to [h0]:6000 (errno: 111 - Connection refused).',
  '[rank3]:[W1127 10:00:02.200000000 TCPStore.cpp:125] [c10d] recvValue failed on SocketImpl(fd=31): Connection reset by peer',
  'urllib3.connectionpool: Retrying after connection broken: Connection refused',
  '[ERROR] 2026-11-27-10:00:03 (PID:4242, Device:3, RankID:3) HCCL function error: hcclCommInitRootInfo, error code is 9, tried again',
];
const STEPS = Array.from({ length: 40 }, (_, n) => `/opt/x.py:${n}: step ${n} took 812 ms, gradients were clipped`);
const GLOO = [
  '[rank3]:[E1127 11:00:05.000000000 ProcessGroupGloo.cpp:143] Rank 3 successfully reached monitoredBarrier, but received errors while waiting: [pair.cc:534] Connection closed by peer [10.0.0.2]:3101',
  '[rank3]:[W1127 11:00:05.100000000 TCPStore.cpp:106] sendBytes failed on SocketImpl(fd=31): Broken pipe',
];
const HCCL = [
  '[ERROR] 2026-11-27-11:00:06 (PID:4242, Device:3, RankID:3) ERR99999 UNKNOWN applicaiton exception',
  '[ERROR] 2026-11-27-11:00:07 (PID:4242, Device:3, RankID:3) HCCL error in: ProcessGroupHCCL.cpp:812, ERR02200 DIST call hccl api failed.',
  '[PID: 4242] 2026-11-27-11:00:07.100 Resource_Error(EI0006): Getting socket times out. Reason: the remote does not initiate a connect request',
];
const CHILD = [
  'Traceback (most recent call last):',
  '  File "/usr/lib/python3.10/multiprocessing/queues.py", line 244, in _feed',
  '    send_bytes(obj)',
  'BrokenPipeError: [Errno 32] Broken pipe',
];
const AT_EXIT = [
  'Error in atexit._run_exitfuncs:',
  ...stack,
  'RuntimeError: Connection closed by peer [10.0.0.2]:3101',
];
const WATCHDOG = [
  '[rank3]:[E1127 11:00:05.000000000 ProcessGroupHCCL.cpp:907] [Rank 3] Watchdog caught collective operation timeout: WorkHCCL(SeqNum=812)',
  'Exception raised from checkTimeout at ProcessGroupHCCL.cpp:650 (most recent call first):',
  ...Array.from(
    { length: 30 },
    (_, n) => `frame #${n}: c10d::ProcessGroupHCCL::run() + 0x${n} (0xffff in libtorch_npu.so)`,
  ),
  '',
  'terminate called after throwing an instance of',
];

describe('what a rank said of its peers explains its end only as its own last words', () => {
  it.each<readonly [string, readonly string[], End, string]>([
    ['an exception, then gloo and HCCL', marked([...stack, SHAPE]).concat(GLOO, HCCL), FAILED, 'any-exception'],
    ['an exception without a mark, then gloo and HCCL', [...stack, SHAPE, ...GLOO, ...HCCL], FAILED, 'any-exception'],
    [
      'gloo, HCCL and retries, then an exception',
      [...START, ...GLOO, ...HCCL, ...stack, SHAPE],
      FAILED,
      'any-exception',
    ],
    ['an exception in the code, then gloo', [...stack, "KeyError: 'image_grid_thw'", ...GLOO], FAILED, 'wrong-code'],
    ['an exception, then that of a child', marked([...stack, SHAPE]).concat(CHILD), FAILED, 'any-exception'],
    ['an exception, then one at the exit', [...stack, SHAPE, ...AT_EXIT], FAILED, 'any-exception'],
    [
      'an exception with a message of many lines',
      marked([...stack, `${SHAPE}\n`, 'see above']).concat(GLOO),
      FAILED,
      'any-exception',
    ],
    ['retries at the start, then steps and SIGSEGV', [...START, ...STEPS], SEGV, 'crashed'],
    ['retries at the start alone, and SIGKILL', START.slice(0, 2), KILL, 'killed'],
    [
      'a fatal error with its stack, and SIGABRT',
      [...START, 'Fatal Python error: Aborted', '', ...STEPS],
      ABRT,
      'crashed',
    ],
    ['retries at the start, and an exit without a word', [...START, ...STEPS], FAILED, 'exit-status'],
  ])('%s', (_, lines, end, rule) => {
    const ends = [{ rank: 3, ...end, at: at(1) }];
    const [finding] = findingsOf(
      signs('h1', {
        ranks: [
          rank(
            3,
            lines.flatMap((line) => line.split('\n')),
            1,
          ),
        ],
        ends,
      }),
      ALL,
    );
    expect(finding).toMatchObject({ rule, isCascade: false, rank: 3 });
    if (rule === 'any-exception') expect(finding?.sentence).toContain(SHAPE);
  });

  it.each<readonly [string, readonly string[], End]>([
    ['gloo', [...stack, 'RuntimeError: [pair.cc:534] Connection closed by peer [10.0.0.2]:3101'], FAILED],
    [
      'gloo, and more of it',
      [...stack, 'RuntimeError: [pair.cc:534] Connection closed by peer [10.0.0.2]:3101', ...GLOO],
      FAILED,
    ],
    [
      'torch, whose message has more lines',
      marked([
        ...stack,
        'torch.distributed.DistBackendError: NCCL error in: x.cpp:31',
        'Last error:',
        'socketProgress: Connection closed by remote peer',
      ]),
      FAILED,
    ],
    ['HCCL', [...stack, 'RuntimeError: [3] HCCL error in: ProcessGroupHCCL.cpp:812', ...HCCL], FAILED],
    [
      'a text of connections that nobody knows',
      [...stack, 'torch.distributed.DistNetworkError: went away', ...GLOO],
      FAILED,
    ],
    ['a socket that was closed', [...stack, 'OSError: [Errno 107] Transport endpoint is not connected'], FAILED],
    ['a watchdog', [...START, ...STEPS, ...WATCHDOG], ABRT],
    ['a rank that hung and was killed', [...STEPS, GLOO[0] ?? ''], KILL],
  ])('as of %s', (_, lines, end) => {
    const ends = [{ rank: 3, ...end, at: at(1) }];
    expect(findingsOf(signs('h1', { ranks: [rank(3, lines, 1)], ends }), ALL)).toMatchObject([{ isCascade: true }]);
  });
});

it('a name that nobody knows is wrong before the first iteration; later it was known', () => {
  const lines = [...stack, 'socket.gaierror: [Errno -2] Name or service not known'];
  const ends = [{ rank: 3, ...FAILED, at: at(1) }];
  expect(findingsOf(signs('h1', { ranks: [rank(3, lines, 1)], ends }), ALL)).toMatchObject([
    { cause: 'environment', reaction: 'stop', onceStepped: { cause: 'link-fault', reaction: 'restart' } },
  ]);
});
