import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { attemptDir } from '../../../src/host/run/attempts.js';
import { waitFor } from '../../e2e/support/dev.js';
import type { Place } from './moments.js';
import type { NodeProcesses } from './training-processes.js';

/**
 * All ranks die while a checkpoint is half written, at a moment of the save that the seed chooses. They are stopped for
 * a look first: a save that was quicker than that goes on, and the next one is tried.
 */
export async function killInSave(place: Place, nodes: readonly NodeProcesses[]): Promise<void> {
  const ranks = nodes.flatMap((node) => [...node.ranks.values()]);
  const tell = (signal: NodeJS.Signals): void => ranks.forEach((pid) => process.kill(pid, signal));
  const saves = join(attemptDir(place.site.workspace, place.run, place.attempt), 'ckpt');
  const folders = (): readonly string[] => foldersIn(saves).filter((folder) => !isWhole(folder));
  for (;;) {
    const [torn = ''] = await waitFor('a save', async () => (folders().length > 0 ? folders() : null));
    await sleep(place.random.between(0, usualMs(saves)));
    tell('SIGSTOP');
    if (!isWhole(torn)) return tell('SIGKILL');
    tell('SIGCONT');
  }
}

/** How long a save took that is whole, from the making of its folder to the last file, ms. */
function usualMs(saves: string): number {
  const whole = foldersIn(saves).find(isWhole);
  if (whole === undefined) return 0;
  return Math.max(0, Math.floor(statSync(join(whole, '.metadata')).mtimeMs - statSync(whole).birthtimeMs));
}

function isWhole(folder: string): boolean {
  return readdirSync(folder).includes('.metadata');
}

function foldersIn(saves: string): readonly string[] {
  return readdirSync(saves, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(saves, name));
}
