import { TemperError } from '../../domain/errors.js';
import { answers } from '../../host/preflight/disks.js';
import type { StageCall } from '../../schemas/stage-calls.js';
import type { StageHost } from '../stage-host.js';
import { gatherBasics } from '../stage-inputs.js';

/** The spec and recipe of a training with this host's tools, or why the workspace does not tell them. */
export type Training = Awaited<ReturnType<typeof gatherBasics>> | { readonly why: string };

/** The training of the call, or why the workspace does not tell it; a workspace that hangs is not read. */
export async function readTraining(host: StageHost, call: StageCall): Promise<Training> {
  if (!(await answers(call.workspace))) return { why: 'it does not answer' };
  try {
    return await gatherBasics(host, call);
  } catch (error) {
    if (error instanceof TemperError && error.problem.code === 'WorkspaceUnusable') return { why: error.message };
    throw error;
  }
}
