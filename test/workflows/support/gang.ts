import { WorkflowFailedError } from '@temporalio/client';
import { expect } from 'vitest';
import type { Cause, Finding, HostEvidence, Incident } from '../../../src/schemas/incident.js';
import type { Problem } from '../../../src/schemas/problem.js';
import type { Fleet } from './site.js';
import type { Play, World } from './world.js';

/** Evidence of a host with one finding. */
export function found(host: string, cause: Cause, over: Partial<Finding> = {}): Partial<HostEvidence> {
  const finding: Finding = {
    rule: `test-${cause}`,
    cause,
    isCascade: false,
    reaction: 'restart',
    weight: 3,
    rank: 1,
    at: new Date().toISOString(),
    sentence: `${cause} on ${host}`,
    lines: [`line of ${cause}`],
    ...over,
  };
  return { findings: [finding] };
}

/** A play in which a host fails, after a checkpoint was proven where one is given. */
export function failing(host: string, cause: Cause, over: Partial<Finding> = {}, proven: number | null = null): Play {
  return (attempt) => {
    if (proven !== null) attempt.world.proven = proven;
    attempt.fail(host, found(host, cause, over));
  };
}

/** The problem with which a gang failed; any other end is an error. */
export async function reasonOf(result: Promise<unknown>): Promise<Problem> {
  const error: unknown = await result.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof WorkflowFailedError) || error.cause === undefined || !('details' in error.cause)) throw error;
  // Safe: the gang fails with a problem as its only detail.
  return (error.cause.details as [Problem])[0];
}

/** All leases are given back, and the recorded histories replay. */
export async function expectClean(fleet: Fleet): Promise<void> {
  await expect.poll(async () => (await fleet.state()).leases, { timeout: 10_000 }).toEqual([]);
  expect(await fleet.replay()).toBeGreaterThanOrEqual(2);
}

/** Incidents in their order. */
export function incidentsOf(world: World): Incident[] {
  return [...world.incidents.values()];
}
