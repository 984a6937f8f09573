import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { evaluateModels } from '../../src/activities/retrain/evaluate-models.js';
import { promoteByHand } from '../../src/activities/retrain/models-by-hand.js';
import { promote } from '../../src/host/models/promote.js';
import { readVersion } from '../../src/host/models/versions.js';
import { simulated } from '../../src/recipes/simulated/recipe.js';
import type { EvaluateAnswer } from '../../src/schemas/retrain.js';
import { finishRun, finishStage } from '../host/models/support.js';
import { run, TIMING, useStageBench } from './support.js';

const bench = useStageBench();

/** Measures run `r1` by a line of shell with the model as $1 and the output as $2, as retrain `chain` does. */
function evaluate(
  line: string,
  chain: string,
  promoted: number | null = null,
  more: object = {},
): Promise<EvaluateAnswer> {
  const workspace = bench.workspace();
  const owner = { workflowId: 'temper/retrain/n', runId: chain, firstRunId: chain };
  const argv = ['/bin/sh', '-c', line, 'sh', '{{model}}', '{{output}}'];
  const call = { v: 1, workspace, run: 'r1', model: 'numbers', promoted, owner, timing: TIMING } as const;
  return run(() => evaluateModels(bench.host(simulated), { ...call, evaluation: { by: 'command', argv }, ...more }));
}

const counted = (): string => `echo x >> ${join(bench.workspace(), 'count')}; echo '{"accuracy": 0.5}' > "$2"`;

it('does not take what an earlier retrain of the run measured for its own', async () => {
  await finishRun(bench.workspace(), 'r1');
  await promote({
    ...{ workspace: bench.workspace(), model: 'numbers', run: 'r1', token: null, expected: null, by: 'test', why: '' },
    ...{ fingerprint: null, startedFrom: null, metrics: null },
  });
  const stale = join(bench.workspace(), 'runs/r1/evaluation');
  mkdirSync(stale, { recursive: true });
  for (const who of ['candidate', 'promoted']) writeFileSync(join(stale, `${who}.json`), '{"accuracy": 1}');
  await expect(evaluate('true', 'a')).rejects.toThrow('the evaluation left no numbers');
  const onlyCandidate = `case "$2" in *candidate.json) ${counted()};; esac`;
  await expect(evaluate(onlyCandidate, 'b', 1)).rejects.toThrow('the evaluation left no numbers');
});

it('tells a person who promotes the run afterwards what its inputs and numbers were', async () => {
  const workspace = bench.workspace();
  await finishRun(workspace, 'r1');
  await evaluate(counted(), 'a', null, { fingerprint: 'inputs of r1', startedFrom: null });
  const by = { v: 1, op: 'promoteModel', workspace, model: 'numbers', run: 'r1', by: 'ada', why: 'good' } as const;
  await promoteByHand(by);
  const known = { fingerprint: 'inputs of r1', metrics: { accuracy: 0.5 } };
  expect(await readVersion(workspace, 'numbers', 1)).toMatchObject(known);
  // Another model of the run is none that was measured.
  await finishStage(workspace, 'r1', 'export', 'another', 'another model');
  await finishStage(workspace, 'r1', 'verify', 'another', 'verified');
  await promoteByHand(by);
  expect(await readVersion(workspace, 'numbers', 2)).toMatchObject({ fingerprint: null, metrics: null });
});

it('attaches to a command that was begun, whose answer counts', async () => {
  await finishRun(bench.workspace(), 'r1');
  for (let call = 0; call < 2; call += 1)
    expect(await evaluate(counted(), 'a')).toMatchObject({ candidate: { accuracy: 0.5 }, promoted: null });
  expect(readFileSync(join(bench.workspace(), 'count'), 'utf8')).toBe('x\n');
});
