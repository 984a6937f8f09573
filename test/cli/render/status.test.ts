import { describe, expect, it } from 'vitest';
import {
  renderLive,
  renderNews,
  renderProgress,
  renderRuns,
  renderStatus,
  showProgress,
} from '../../../src/cli/render/status.js';
import type { Paint } from '../../../src/cli/output.js';
import type { RunStatus } from '../../../src/schemas/run.js';
import { aRun } from '../support.js';

const plain: Paint = (_style, text) => text;
const marked: Paint = (style, text) => `<${style}>${text}</>`;
const NOW = Date.parse('2026-11-23T10:00:40.000Z');

describe('renderStatus', () => {
  it('shows the run, its stages and what runs', () => {
    expect(renderStatus(aRun({ checkpoint: 'runs/tiny/iter_0000100' }), plain, NOW)).toBe(
      [
        'tiny  running  started 40 s ago',
        'workflow temper/run/tiny, fleet default',
        '',
        'STAGE        STATE    HOST      TIME   PROGRESS',
        'environment  done     laptop-1  0.4 s',
        'weights      reused   -         0.0 s',
        'train        running  laptop-1  30 s   training  120/400  loss 0.4123  checkpoint 100',
        'export       pending  -         -',
        '',
        'newest proven checkpoint: runs/tiny/iter_0000100',
      ].join('\n'),
    );
  });

  it('shows why a run is blocked, with evidence and fix', () => {
    const problem = {
      code: 'CommandFailed',
      what: 'convert ended with code 1',
      where: 'laptop-1',
      fix: 'free the disk',
      retryable: false,
      evidence: ['No space left'],
    };
    const text = renderStatus(aRun({ state: 'blocked', problem, stages: [], progress: [] }), plain, NOW);
    expect(text.split('\n').slice(-4)).toEqual([
      'error[CommandFailed]: convert ended with code 1',
      '  at laptop-1',
      '  | No space left',
      '  fix: free the disk',
    ]);
  });

  it('names the host that the others wait for', () => {
    const slow = [{ host: 'laptop-2', rank: 1, sentence: 'the others wait for rank 1 on laptop-2' }];
    expect(renderStatus(aRun({ slow, progress: [] }), marked, NOW).split('\n')).toContain(
      '<yellow>slow:</> the others wait for rank 1 on laptop-2',
    );
  });

  it('does not call a pause an error', () => {
    const problem = { code: 'Paused', what: 'stopped on request', fix: 'temper resume tiny', retryable: false };
    const text = renderStatus(aRun({ state: 'blocked', problem, stages: [], progress: [] }), plain, NOW);
    expect(text.split('\n').slice(-2)).toEqual(['paused: stopped on request', '  fix: temper resume tiny']);
  });

  it('says how long a closed run took', () => {
    expect(renderStatus(aRun({ state: 'failed', closedAt: '2026-11-23T11:02:00.000Z' }), plain, NOW)).toContain(
      'tiny  failed  took 1h 02m',
    );
  });
});

describe('a run that does not go on', () => {
  const waiting = {
    v: 1,
    stage: 'environment',
    host: '',
    phase: 'waiting',
    text: 'waiting for hosts: 1 of 8',
  } as const;
  const noWorker = {
    ...{ code: 'Unreachable', what: 'no control worker does the next step of the run', retryable: true },
    fix: 'start one with temper worker --role control',
  };
  const short = aRun({ stages: [], stage: null, progress: [waiting] });
  const alone = aRun({ stages: [], stage: null, progress: [], problem: noWorker });

  it.each([
    ['status', renderStatus(short, plain, NOW)],
    ['ls', renderRuns([short], plain, NOW)],
    ['the live view', renderLive(short, plain, NOW, 80).join('\n')],
    ['a watch that begins later', renderNews(null, short)],
    ['progress', renderProgress(short)],
  ])('says in %s which hosts are missing', (_name, text) => {
    expect(text).toMatch(/\benvironment: waiting for hosts: 1 of 8$/m);
  });

  it.each([
    ['status', renderStatus(alone, plain, NOW)],
    ['the live view', renderLive(alone, plain, NOW, 120).join('\n')],
    ['a watch', renderNews(aRun({ stages: [], stage: null, progress: [] }), alone)],
  ])('says in %s that no control worker answers', (_name, text) => {
    expect(text).toContain(noWorker.what);
    expect(text).toContain(`fix: ${noWorker.fix}`);
  });

  it('says in ls that no control worker answers', () => {
    expect(renderRuns([alone], plain, NOW)).toContain(noWorker.what);
  });

  it('is told at the first look, even when nothing is known', () => {
    expect(renderNews(null, aRun({ stages: [], progress: [] }))).toBe('running; no stage has begun yet');
  });
});

describe('renderRuns', () => {
  it('lists runs with how far they are', () => {
    const blocked = aRun({
      run: 'other',
      state: 'blocked',
      problem: { code: 'Paused', what: 'x'.repeat(70), fix: '', retryable: false },
    });
    expect(renderRuns([aRun(), blocked], plain, NOW).split('\n')).toEqual([
      'RUN    STATE    STAGE  DONE  STARTED   REASON',
      'tiny   running  train  2/4   40 s ago',
      `other  blocked  train  2/4   40 s ago  ${'x'.repeat(57)}...`,
    ]);
  });

  it('counts only the stages that the run goes through', () => {
    const stages = aRun().stages.map((stage) =>
      stage.name === 'export' ? { ...stage, state: 'skipped' as const } : stage,
    );
    expect(renderRuns([aRun({ stages })], plain, NOW)).toContain('2/3');
  });

  it('says what to do when there are none', () => {
    expect(renderRuns([], plain, NOW)).toBe('no runs; temper start FILE starts one');
  });
});

describe('renderLive', () => {
  it('keeps every line within the terminal', () => {
    const run = aRun({
      progress: [
        {
          v: 1,
          stage: 'train',
          host: 'h',
          phase: 'starting',
          step: 'torchrun',
          text: `\u001b[2J${'long '.repeat(50)}`,
        },
      ],
    });
    const lines = renderLive(run, plain, NOW, 60);
    expect(lines).toHaveLength(4);
    expect(lines.every((line) => line.length <= 60)).toBe(true);
    expect(lines[2]).toMatch(/^ {2}running {3}train +30 s {2}torchrun starting {2}\[2Jlong/);
  });

  it('paints by state', () => {
    expect(renderLive(aRun(), marked, NOW, 80)[1]).toMatch(/^<green> {2}reused/);
  });
});

const FAILED: NonNullable<RunStatus['incident']> = {
  attempt: 1,
  cause: 'rank-killed',
  reaction: 'restart',
  host: 'laptop-1',
  sentence: 'rank 3 was killed',
  at: '2026-11-01T00:00:00Z',
};

describe('renderNews', () => {
  const before = aRun();
  it.each([
    ['nothing', before, aRun(), null],
    [
      'a first look',
      null,
      aRun(),
      'environment done on laptop-1 (0.4 s), weights reused (0.0 s), train running on laptop-1',
    ],
    ['the end', before, aRun({ state: 'done' }), 'run done'],
    [
      'a stage',
      before,
      aRun({
        stages: before.stages.map((stage) =>
          stage.name === 'train' ? { ...stage, state: 'done' as const, durationMs: 61_000 } : stage,
        ),
      }),
      'train done on laptop-1 (1m 01s)',
    ],
    [
      'a stage of several hosts',
      before,
      aRun({
        stages: [{ name: 'train', state: 'done', host: 'laptop-1', hosts: 2, durationMs: 61_000 }],
      }),
      'train done on 2 hosts (1m 01s)',
    ],
    [
      'a failure of the training',
      before,
      aRun({ incidents: 1, incident: FAILED }),
      'train failed: rank 3 was killed (rank-killed) -> restart',
    ],
    [
      'from where it goes on',
      aRun({ incidents: 1, incident: FAILED }),
      aRun({ incidents: 1, incident: { ...FAILED, resumedFrom: 20, stepsLost: 3 } }),
      'train goes on from iteration 20, 3 iterations lost',
    ],
    [
      'both at once',
      before,
      aRun({ incidents: 1, incident: { ...FAILED, resumedFrom: 0 } }),
      'train failed: rank 3 was killed (rank-killed) -> restart, train goes on from the converted weights',
    ],
    [
      'a failure once',
      aRun({ incidents: 1, incident: { ...FAILED, resumedFrom: 0 } }),
      aRun({ incidents: 1, incident: { ...FAILED, resumedFrom: 0, firstIterationMs: 9_000 } }),
      null,
    ],
  ])('tells %s', (_name, old, now, expected) => {
    expect(renderNews(old, now)).toBe(expected);
  });
});

describe('progress', () => {
  it('says what is known', () => {
    expect(showProgress({ v: 1, stage: 'train', host: 'h', phase: 'training', iteration: 3, loss: null })).toBe(
      'training  3  loss NaN',
    );
    const fast = { iteration: 120, of: 400, loss: 0.5, tokensPerSecond: 3_466.4, remainingMs: 4_200_000 };
    expect(showProgress({ v: 1, stage: 'train', host: 'h', phase: 'training', ...fast })).toBe(
      'training  120/400  loss 0.5  3466 tokens/s  1h 10m left',
    );
    const converting = { v: 1 as const, stage: 'convert', host: 'h', phase: 'running', text: 'merge experts' };
    expect(showProgress({ ...converting, step: 'hf-to-dcp', done: 18, total: 45 })).toBe(
      'hf-to-dcp running  18/45  merge experts',
    );
    expect(renderProgress(aRun())).toBe('train on laptop-1: training  120/400  loss 0.4123  checkpoint 100');
    expect(renderProgress(aRun({ progress: [] }))).toBeNull();
  });

  it('counts the hosts of a large gang that do the same', () => {
    const progress = Array.from({ length: 128 }, (_, index) => ({
      ...{
        v: 1 as const,
        stage: 'train' as const,
        host: `h${index}`,
        step: `h${index}`,
        phase: index === 5 ? 'loading' : 'training',
      },
      ...(index === 127 ? { iteration: 120, of: 400 } : {}),
    }));
    expect(renderProgress(aRun({ progress }))).toBe('train: training  120/400; 126 hosts training; loading');
  });
});
