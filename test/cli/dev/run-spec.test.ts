import { describe, expect, it } from 'vitest';
import { runSpec } from '../../../src/cli/dev/run-spec.js';
import { createOutput } from '../../../src/cli/output.js';
import { planFor } from '../../../src/client/runs.js';
import { readStoredSpec } from '../../../src/domain/spec/read-spec.js';
import { simulated } from '../../../src/recipes/simulated/recipe.js';
import type { RunMemo } from '../../../src/schemas/run.js';
import { fakeServer, type FakeServer, type FakeWorkflow } from '../../client/fake.js';

const TEXT = simulated.template;
const FILE = '/specs/sim.yaml';
const PLANNED = planFor({ specText: TEXT, file: FILE, run: null });
const SAME = PLANNED.plan.specDigest;
const { spec: SPEC } = readStoredSpec(PLANNED.specText);
const OTHER = 'another';
const NAME = SPEC?.name ?? '';

let clock = 0;
/** A run, newer than those that were made before it. */
function aRun(state: RunMemo['state'], temperSpec = SAME): FakeWorkflow {
  const status = { done: 'COMPLETED', failed: 'FAILED', cancelled: 'CANCELED' }[state as string] ?? 'RUNNING';
  const memo = {
    v: 1,
    state,
    stage: null,
    reason: null,
    fix: null,
    code: null,
    checkpoint: null,
    ettr: null,
    stages: [],
  };
  clock += 1;
  return { status, startedMs: clock, memo: { temper: memo, temperSpec } };
}

/** Runs the spec beside these runs, and stops watching at once. */
async function beside(
  runs: Readonly<Record<string, FakeWorkflow>>,
  isNew = false,
): Promise<FakeServer & { said: string }> {
  const server = fakeServer(Object.fromEntries(Object.entries(runs).map(([run, one]) => [`temper/run/${run}`, one])));
  let said = '';
  const stream = { write: (text: string) => (said += text), isTTY: false, columns: 80 };
  const io = {
    ...{ stdout: stream, stderr: stream, env: {}, cwd: '/specs' },
    ...{ confirm: () => Promise.resolve(false), onInterrupt: () => () => undefined },
  };
  const context = {
    io,
    output: createOutput(io, 'text', 'auto'),
    openRuns: () => Promise.reject(new Error('not asked')),
  };
  if (SPEC === null) throw new Error('the template is not valid');
  const source = { file: 'sim.yaml', baseDir: '/specs', text: TEXT, spec: SPEC, problems: [] };
  await runSpec(context, server.client, { source, spec: SPEC, isNew }, AbortSignal.abort(), () => undefined);
  return { ...server, said };
}

describe('temper dev --run FILE', () => {
  it.each<[string, Readonly<Record<string, FakeWorkflow>>, string]>([
    ['none', {}, NAME],
    ['one that is done', { [NAME]: aRun('done') }, `${NAME}-2`],
    ['one that failed', { [NAME]: aRun('done'), [`${NAME}-2`]: aRun('failed', OTHER) }, `${NAME}-2`],
    ['a blocked one of another spec', { [NAME]: aRun('blocked', OTHER) }, `${NAME}-2`],
    [
      'a numbered one that runs and has another spec',
      { [NAME]: aRun('done'), [`${NAME}-2`]: aRun('running', OTHER) },
      `${NAME}-3`,
    ],
    [
      'an open one that is older than one that is done',
      { [NAME]: aRun('blocked'), [`${NAME}-2`]: aRun('done') },
      `${NAME}-3`,
    ],
    ['one of another name', { [`${NAME}-a`]: aRun('blocked') }, NAME],
  ])('beside %s starts a run', async (_name, runs, expected) => {
    const { started, asked } = await beside(runs);
    expect(started.map(({ id }) => id)).toEqual([`temper/run/${expected}`]);
    expect(asked).toEqual([]);
  });

  it('continues a blocked run of its spec, also behind an open one of another', async () => {
    const { started, asked, said } = await beside({ [NAME]: aRun('blocked'), [`${NAME}-2`]: aRun('blocked', OTHER) });
    expect(started).toEqual([]);
    expect(asked.map(({ name }) => name)).toEqual(['resumeRun']);
    expect(said).toContain(`continuing ${NAME}, `);
  });

  it('says what becomes of open runs of another spec', async () => {
    const { said } = await beside({ [NAME]: aRun('blocked', OTHER), [`${NAME}-2`]: aRun('running', OTHER) });
    expect(said).toContain(
      `${NAME} waits with another spec, so this is another run; temper resume ${NAME} continues it`,
    );
    expect(said).toContain(`${NAME}-2 is running with another spec`);
    expect(said).toContain(`${NAME}-3 started`);
  });

  it('starts another run of its spec when that is asked for', async () => {
    expect((await beside({ [NAME]: aRun('running') }, true)).started).toMatchObject([{ id: `temper/run/${NAME}-2` }]);
  });
});
