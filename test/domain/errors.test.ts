import { describe, expect, it } from 'vitest';
import {
  CATALOGUE,
  EXIT,
  exitStatusOf,
  formatProblem,
  isErrorCode,
  problem,
  TemperError,
  type ErrorCode,
} from '../../src/domain/errors.js';
import { ProblemSchema } from '../../src/schemas/problem.js';

const CODES = Object.keys(CATALOGUE) as ErrorCode[];

describe('the error catalogue', () => {
  it.each(CODES)('%s has a name, an exit status and a fix', (code) => {
    expect(code).toMatch(/^[A-Z][A-Za-z]+$/);
    expect(Object.values(EXIT)).toContain(CATALOGUE[code].exit);
    expect([EXIT.ok, EXIT.interrupted]).not.toContain(CATALOGUE[code].exit);
    expect(CATALOGUE[code].fix).toMatch(/^[a-z].*[^.]$/);
    expect(ProblemSchema.parse(problem(code, { what: 'w' }))).toEqual({
      code,
      what: 'w',
      fix: CATALOGUE[code].fix,
      retryable: CATALOGUE[code].retryable,
    });
    expect(exitStatusOf(code)).toBe(CATALOGUE[code].exit);
  });

  it('takes a code of a newer version, or of an object, for a failed run', () => {
    expect([exitStatusOf('FromTheFuture'), exitStatusOf('toString')]).toEqual([1, 1]);
    expect(isErrorCode('constructor')).toBe(false);
  });
});

describe('a problem', () => {
  it('keeps its facts, and of its evidence what fits', () => {
    const evidence = Array.from({ length: 20 }, (_, index) => `${index} ${'x'.repeat(400)}`);
    const made = problem('CommandFailed', {
      what: 'it ended',
      where: 'h1',
      why: 'a reason',
      fix: 'a better fix',
      evidence,
    });
    expect(made).toMatchObject({
      what: 'it ended',
      where: 'h1',
      why: 'a reason',
      fix: 'a better fix',
      retryable: false,
    });
    expect(made.evidence).toHaveLength(12);
    expect(made.evidence?.[0]).toBe(`8 ${'x'.repeat(298)}`);
  });

  it('is one line with where, what, why, code and fix', () => {
    expect(
      formatProblem(problem('DiskTooSmall', { what: '1 MB is free', where: '/w', why: 'others', fix: 'free some' })),
    ).toBe('/w: 1 MB is free (others) [DiskTooSmall]; fix: free some');
    expect(formatProblem(problem('Paused', { what: 'stopped' }))).toBe(
      'stopped [Paused]; fix: temper resume RUN continues',
    );
  });

  it('travels in an error with its cause', () => {
    const cause = new Error('below');
    const error = new TemperError('ClaimHeld', { what: 'held' }, { cause });
    expect(error).toMatchObject({ name: 'TemperError', cause, problem: { code: 'ClaimHeld', retryable: true } });
    expect(error.message).toBe(formatProblem(error.problem));
  });
});
