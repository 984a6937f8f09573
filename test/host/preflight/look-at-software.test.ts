import { describe, expect, it } from 'vitest';
import { lookAtSoftware } from '../../../src/host/preflight/look-at-software.js';
import type { EnvironmentReading } from '../../../src/recipes/recipe.js';
import { guideSpec } from '../../recipes/mindspeed-mm/training/support.js';

const tools = { python: '/py', node: process.execPath, temper: '/t', programs: '/p', cpus: 1 };

/** What is told where the probe is a program of Node with this text. */
function look(program: string, read: () => EnvironmentReading = () => ({ lock: {}, problems: [] })) {
  const command = { step: 'probe', argv: [process.execPath, '-e', program], cwd: '/', env: {} };
  const environment = { probe: () => command, prove: () => command, read };
  return lookAtSoftware({ host: 'h1', spec: guideSpec(), tools, recipe: { environment } });
}

describe('the software of a host', () => {
  it.each([
    ['process.exit(3)', /ended with 3: it said nothing/],
    ['console.error("no disk"); process.exit(1)', /ended with 1: no disk/],
    ['console.log("chatter")', /cannot be read/],
  ])('that its probe cannot tell is no failure: %s', async (program, what) => {
    expect(await look(program)).toMatchObject([
      { id: 'software', status: 'skipped', where: 'h1', what: expect.stringMatching(what) },
    ]);
  });

  it('is one check for what was found, for each problem and each warning, and for all that would be installed', async () => {
    const checks = await look('console.log("chatter\\n{}")', () => ({
      lock: { torch: '2.7.1', Python: '3.10.1' },
      problems: [
        { code: 'EnvironmentUnfit', what: 'no toolkit', fix: 'install it', retryable: false },
        { code: 'EnvironmentUnfit', what: 'no git', why: 'w', fix: 'get it', retryable: false },
      ],
      warnings: ['newer'],
      differences: ['a', 'b', 'c', 'd', 'e'],
    }));
    expect(checks.map(({ status, what, why, fix }) => [status, what, why, fix])).toEqual([
      ['ok', 'found torch 2.7.1, Python 3.10.1', undefined, undefined],
      ['fail', 'no toolkit', 'the stage environment ends with it, when the run has begun', 'install it'],
      ['fail', 'no git', 'w', 'get it'],
      ['warn', 'newer', 'it stops nothing', 'compare it with the guide'],
      ['warn', 'a; b; c; and 2 more', 'a run installs it first', 'nothing by hand'],
    ]);
  });
});
