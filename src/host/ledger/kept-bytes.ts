import { runDir } from '../run/run-folder.js';
import { readLedger } from './store.js';

/** Bytes of the checkpoints of a run that retention keeps now; removed ones take no room any more. */
export async function keptBytes(workspace: string, run: string): Promise<number> {
  const { checkpoints } = await readLedger(runDir(workspace, run));
  return checkpoints.filter(({ removedAt }) => removedAt === null).reduce((sum, { bytes }) => sum + bytes, 0);
}
