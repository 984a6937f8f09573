import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseTorchrunSummary, parseTracebacks } from '../../../src/recipes/megatron/failures.js';

const SUMMARY = `E1123 19:45:00.996000 2328 torch/distributed/elastic/multiprocessing/api.py:1002] failed (exitcode: 1)
torch.distributed.elastic.multiprocessing.errors.ChildFailedError:
============================================================
el.py FAILED
------------------------------------------------------------
Failures:
[1]:
  time      : 2026-11-23_19:45:00
  host      : node-a
  rank      : 0 (local_rank: 0)
  exitcode  : -15 (pid: 2366)  (SIGTERM)
  error_file: <N/A>
  traceback : Signal 15 (SIGTERM) received by PID 2366
------------------------------------------------------------
Root Cause (first observed failure):
[0]:
  time      : 2026-11-23_19:44:59
  host      : node-a
  rank      : 17 (local_rank: 1)
  exitcode  : 1 (pid: 2367)
  error_file: <N/A>
  traceback : To enable traceback see: https://pytorch.org/docs/stable/elastic/errors.html
============================================================
`;

describe('the summary of torchrun', () => {
  test('names the first failure and the others', () => {
    const root = {
      rank: 17,
      localRank: 1,
      exitCode: 1,
      signal: null,
      pid: 2367,
      host: 'node-a',
      time: '2026-11-23_19:44:59',
    };
    expect(parseTorchrunSummary(SUMMARY)).toMatchObject({
      rootCause: root,
      others: [{ rank: 0, exitCode: -15, signal: 'SIGTERM' }],
    });
    expect(parseTorchrunSummary(SUMMARY.replaceAll('\n', '\r\n'))?.rootCause).toEqual(root);
  });

  test('may have no others', () => {
    const alone = SUMMARY.replace(/\[1\]:[\s\S]*?PID 2366/, '  <NO_OTHER_FAILURES>').replace(
      'exitcode  : 1 (pid: 2367)',
      'exitcode  : -9 (pid: 2367) (SIGKILL)',
    );
    expect(parseTorchrunSummary(alone)).toMatchObject({ rootCause: { exitCode: -9, signal: 'SIGKILL' }, others: [] });
  });

  test.each([
    [9, 'SIGKILL'],
    [11, 'SIGSEGV'],
    [6, 'SIGABRT'],
    [15, 'SIGTERM'],
  ])('of torch 2.7.1 tells signal %i by its number only', (number, signal) => {
    const summary = readFileSync(new URL('../../fixtures/logs/torch-2.7.1/killed-torchrun.err.txt', import.meta.url))
      .toString()
      .replaceAll('-9 ', `-${number} `);
    expect(parseTorchrunSummary(summary)).toMatchObject({
      rootCause: { rank: 9, exitCode: -number, signal },
      others: [
        { rank: 8, exitCode: -15, signal: 'SIGTERM' },
        { rank: 10, exitCode: 1, signal: null },
      ],
    });
  });

  test('of the last attempt counts', () => {
    const later = SUMMARY.replace('rank      : 17', 'rank      : 3').replace('[1]:\n', '[1]: \n');
    expect(parseTorchrunSummary(SUMMARY + later)).toMatchObject({ rootCause: { rank: 3 }, others: [{ rank: 0 }] });
  });

  test('that is absent or cut gives nothing', () => {
    expect(parseTorchrunSummary('')).toBeNull();
    expect(parseTorchrunSummary(SUMMARY.slice(0, SUMMARY.indexOf('  exitcode  : 1')))).toBeNull();
  });
});

describe('tracebacks', () => {
  test('end in an exception, per rank even when lines alternate', () => {
    const lines = [
      '[rank3]: Traceback (most recent call last):',
      '[rank0]: Traceback (most recent call last):',
      '[rank3]:   File "train.py", line 1, in <module>',
      '[rank0]:   File "train.py", line 1, in <module>',
      '[rank3]:     raise ValueError("no: data")',
      '[rank3]: ValueError: no: data',
      '[rank0]: torch.distributed.DistBackendError: Connection closed by peer',
      'unrelated: text',
    ];
    expect(parseTracebacks(lines)).toEqual([
      { rank: 3, exception: 'ValueError', message: 'no: data' },
      { rank: 0, exception: 'torch.distributed.DistBackendError', message: 'Connection closed by peer' },
    ]);
  });

  test('may be chained, and may have no prefix nor message', () => {
    const lines = [
      'Traceback (most recent call last):',
      '  File "a.py", line 1, in f',
      "KeyError: 'images'",
      '',
      'During handling of the above exception, another exception occurred:',
      '',
      'Traceback (most recent call last):',
      '  File "a.py", line 2, in g',
      'KeyboardInterrupt\r',
    ];
    expect(parseTracebacks(lines)).toEqual([
      { rank: null, exception: 'KeyError', message: "'images'" },
      { rank: null, exception: 'KeyboardInterrupt', message: '' },
    ]);
  });

  test('that are cut, or lines that only look alike, give nothing', () => {
    expect(parseTracebacks(['Traceback (most recent call last):', '  File "a.py", line 1'])).toEqual([]);
    expect(parseTracebacks(['ValueError: without a traceback'])).toEqual([]);
  });

  test('that Python ignored, or the log of the program itself met, end nothing', () => {
    const ignored = ['Exception ignored in: <function F.__del__>', 'Traceback (most recent call last):', 'KeyError: 1'];
    const logging = ['--- Logging error ---', 'Traceback (most recent call last):', 'TypeError: 2', 'Call stack:'];
    const own = ['Traceback (most recent call last):', 'RuntimeError: boom'];
    expect(parseTracebacks([...ignored, ...own, ...ignored, ...logging])).toEqual([
      { rank: null, exception: 'RuntimeError', message: 'boom' },
    ]);
  });
});
