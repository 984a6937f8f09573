import { describe, expect, it } from 'vitest';
import { CATALOGUE, problem } from '../../../src/domain/errors.js';
import { withoutResume } from '../../../src/domain/retrain/without-resume.js';

const facts = (fix: string) => problem('TrainingFailed', { what: 'it failed', fix });
const AGAIN = 'temper schedule unpause nightly and temper schedule trigger nightly';

describe('the fix of a run that nothing can resume', () => {
  it.each([
    ['read the log, then temper resume RUN', `read the log, then ${AGAIN}`],
    ['temper resume RUN starts the command again', AGAIN],
    ['temper resume tiny-2 continues', AGAIN],
    ['then temper resume RUN: it goes on where it stopped', `then ${AGAIN}: it goes on where it stopped`],
    ['check the mount, then temper resume RUN --from train', `check the mount, then ${AGAIN}`],
    [
      'correct the path in the spec: temper resume RUN --set data.0.annotations=VALUE',
      `correct the path in the spec: temper schedule apply FILE, then ${AGAIN}`,
    ],
    ['free disk space', 'free disk space'],
  ])('%s', (fix, expected) => {
    expect(withoutResume(facts(fix), 'nightly').fix).toBe(expected);
  });

  it('is another start where there is no schedule, and everything else stays', () => {
    const before = facts('read the log, then temper resume RUN');
    expect(withoutResume(before, null)).toEqual({ ...before, fix: 'read the log, then temper start FILE' });
  });

  it.each(Object.entries(CATALOGUE))('of %s names no resume', (_code, { fix }) => {
    expect(withoutResume(facts(fix), 'nightly').fix).not.toContain('temper resume');
  });
});
