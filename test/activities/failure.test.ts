import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { failureOf } from '../../src/activities/failure.js';
import { diskProblem } from '../../src/domain/disk-problem.js';
import { TemperError } from '../../src/domain/errors.js';

/** As the system reports it. */
const systemError = (code: string): Error =>
  Object.assign(new Error(`${code}: it failed, open '/w/x'`), { code, syscall: 'open', path: '/w/x' });

describe('an error of the disk that only a person can remove', () => {
  it.each([
    ['ENOSPC', /no space/],
    ['EDQUOT', /quota/],
    ['EROFS', /read-only/],
    ['EACCES', /may not be used/],
    ['EPERM', /may not be done/],
  ])('%s says where and what to do, and is tried five times', (code, what) => {
    for (const attempt of [1, 4, 5, 40]) {
      expect(failureOf(systemError(code), attempt)).toMatchObject({
        type: 'WorkspaceUnusable',
        nonRetryable: attempt >= 5,
        details: [
          {
            where: '/w/x',
            what: expect.stringMatching(what),
            fix: expect.stringMatching(/, then temper resume RUN$/),
          },
        ],
      });
    }
  });

  it('is what a full device answers', async () => {
    const error: unknown = await writeFile('/dev/full', 'x').catch((caught: unknown) => caught);
    expect(failureOf(error)).toMatchObject({ type: 'WorkspaceUnusable', nonRetryable: false });
  });
});

describe('any other error', () => {
  it.each([
    ['a name of ours', new TemperError('SourceMissing', { what: 'gone' }), 'SourceMissing', true],
    [
      'a lost connection',
      Object.assign(new Error('reset'), { code: 'ECONNRESET', syscall: 'read' }),
      'Internal',
      false,
    ],
    ['a library that uses the same names', Object.assign(new Error('no'), { code: 'EACCES' }), 'Internal', false],
    ['a defect', new TypeError('x is undefined'), 'Internal', true],
  ])('keeps its meaning however often it was tried: %s', (_what, error, type, nonRetryable) => {
    for (const attempt of [1, 50]) expect(failureOf(error, attempt)).toMatchObject({ type, nonRetryable });
    expect(diskProblem(error, 'again')).toBeNull();
  });

  it('is a missing file, which no disk is to blame for', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'temper-failure-'));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    writeFileSync(join(dir, 'a'), '');
    const error: unknown = await writeFile(join(dir, 'a/b'), '').catch((caught: unknown) => caught);
    expect(failureOf(error)).toMatchObject({ type: 'Internal', nonRetryable: false });
  });
});
