import { describe, expect, it } from 'vitest';
import type { Problem } from '../../../src/schemas/problem.js';
import { isOnlyStopped, stopping } from '../../../src/cli/dev/shut-down.js';

describe('what is told when runs are stopped', () => {
  it.each([
    [['tiny'], 'tiny', 'stopping tiny; the next start continues it'],
    [['tiny'], null, 'stopping tiny; after the next start temper resume tiny continues it'],
    [['a', 'b'], null, 'stopping a, b; after the next start temper resume a, temper resume b continues a, b'],
    [['a', 'b'], 'b', 'stopping a, b; the next start continues b; after the next start temper resume a continues a'],
  ])('%j, the same command continues %j', (runs, continued, expected) => {
    expect(stopping(runs, continued)).toBe(`${expected} (Ctrl-C again: at once)`);
  });
});

describe('a run that waits', () => {
  const status = (code: string, what: string, state: 'blocked' | 'failed' = 'blocked') => ({
    state,
    problem: problem(code, what),
  });
  it.each([
    ['that was paused by the end of dev', status('Paused', 'stopped on request: temper dev was stopped'), true],
    ['whose command dev ended', status('CommandStopped', 'probe was stopped: temper dev was stopped'), true],
    ['that a person paused', status('Paused', 'stopped on request: paused by temper pause'), false],
    ['that failed', status('CommandFailed', 'probe ended with exit status 1'), false],
    ['that has ended', status('Paused', 'stopped on request: temper dev was stopped', 'failed'), false],
    ['for no reason that is known', { state: 'blocked' as const, problem: null }, false],
  ])('%s', (_name, given, expected) => {
    expect(isOnlyStopped(given)).toBe(expected);
  });
});

function problem(code: string, what: string): Problem {
  return { code, what, fix: '', retryable: false };
}
