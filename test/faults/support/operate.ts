import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { temporalCliPath } from '../../support/dev-server.js';
import type { FaultSite } from './fault-site.js';

/** What operators do to one activity with the temporal CLI; the SDK has no such calls. */
export async function operateActivity(
  site: FaultSite,
  workflow: string,
  activity: string,
  verb: 'pause' | 'unpause' | 'reset',
): Promise<void> {
  await promisify(execFile)(temporalCliPath(), [
    ...['activity', verb, '--address', site.server.address],
    ...['--workflow-id', workflow, '--activity-id', activity],
  ]);
}
