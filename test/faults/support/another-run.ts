import { expect } from 'vitest';
import { follow } from '../../e2e/support/runs.js';
import type { Place } from './moments.js';
import { expectInvariantOf, expectNothingLeft } from './proofs.js';
import { startTraining } from './training.js';

/** Another run that needs the same hosts: it gets them when they are free, and both are whole. */
export async function startAnother(place: Place): Promise<void> {
  const { site, run } = place;
  const other = await startTraining(site, { ...place, name: `${run}-other`, stepMs: 10, env: {} });
  const status = await follow(site.client, other);
  expect(status.state, JSON.stringify(status.problem)).toBe('done');
  expect(status.result?.facts['train']).toMatchObject({ attempts: 1, iterations: place.iterations });
  await expectInvariantOf(site, [run, other]);
  await expectNothingLeft(site, other);
}
