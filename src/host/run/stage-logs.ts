import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import type { StageName } from '../../schemas/plan.js';
import { makeFolder } from '../make-folder.js';
import { tailLog } from '../processes/tail.js';
import { stageFolder } from './run-folder.js';

/** Copies of logs are for people who look into the workspace; the whole log stays on the host. */
const COPY_BYTES = 1024 * 1024;

/** Copies the end of a command's output into the run's folder. */
export async function copyStageLogs(
  workspace: string,
  run: string,
  stage: StageName,
  step: string,
  { stdout, stderr }: { readonly stdout: string; readonly stderr: string },
): Promise<void> {
  const dir = join(stageFolder(workspace, run, stage), 'log');
  await makeFolder(dir);
  for (const [stream, path] of [
    ['out', stdout],
    ['err', stderr],
  ] as const) {
    const { lines } = await tailLog(path, { maxBytes: COPY_BYTES, maxLines: Number.POSITIVE_INFINITY });
    if (lines.length > 0) await writeFileAtomic(join(dir, `${step}.${stream}`), `${lines.join('\n')}\n`);
  }
}
