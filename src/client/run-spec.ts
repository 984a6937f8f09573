import { TemperError } from '../domain/errors.js';
import { fingerprint } from '../domain/fingerprint.js';
import { readStoredSpec } from '../domain/spec/read-spec.js';
import { RunSurveySchema } from '../schemas/recovery.js';
import { readPlaces } from './checkpoints.js';
import type { TemperClient } from './connect.js';
import { getFleet } from './fleet.js';
import { callAnyHost } from './host-call.js';

/**
 * The spec of a run with its corrections: the one that it was started with when `digest` says that it is still that,
 * else as a live host of its fleet reads it from the run's folder.
 */
export async function readSpecOfRun(
  client: TemperClient,
  run: string,
  {
    workflowId,
    workflowRunId,
    digest,
  }: { readonly workflowId: string; readonly workflowRunId: string; readonly digest?: unknown },
): Promise<string> {
  const { fleet, workspace, specText } = await readPlaces(client, workflowId, workflowRunId);
  const { spec } = readStoredSpec(specText);
  if (spec !== null && fingerprint(spec) === digest) return specText;
  const { hosts } = await getFleet(client, fleet);
  const names = hosts.map(({ name }) => name);
  try {
    const answer = await callAnyHost(client, fleet, names, { v: 1, op: 'surveyRun', workspace, run });
    return RunSurveySchema.parse(answer).specText;
  } catch (error) {
    // Its folder is made once it has hosts: until then nothing was corrected.
    if (error instanceof TemperError && error.problem.code === 'RunNotFound') return specText;
    throw error;
  }
}
