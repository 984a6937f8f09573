import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../../e2e/support/dev.js';
import { mountHungFileSystem } from '../../host/keeper/workspace.js';
import type { Place } from './moments.js';
import type { NodeProcesses } from './training-processes.js';

/**
 * A process of the training waits in a file system that never answers, where SIGKILL does not reach it; then a rank of
 * the same host is killed. The file system goes once the keeper has given the process up.
 */
export async function haveUnkillable({ site, random }: Place, nodes: readonly NodeProcesses[]): Promise<void> {
  const node = random.pick(nodes);
  const rank = random.pick([...node.ranks.values()]);
  // Mounting takes seconds on a busy machine; a rank that is stopped keeps the training from ending meanwhile.
  process.kill(rank, 'SIGSTOP');
  const hung = await mountHungFileSystem(await mkdtemp(join(site.home, 'hung-')));
  try {
    hung.hang();
    // With a rank's environment it belongs to the keeper, as a helper of that rank would.
    const stuck = spawn('cat', [join(hung.dir, 'fence')], {
      env: environmentOf(rank),
      stdio: 'ignore',
      detached: true,
    });
    await waitFor('a process that waits in the kernel', async () =>
      stuck.pid !== undefined && hung.holds(stuck.pid) ? true : null,
    );
    process.kill(rank, 'SIGKILL');
    const exit = await node.handle.waitForExit();
    if (!exit.unkillable.includes(stuck.pid ?? 0)) throw new Error(`not told as unkillable: ${JSON.stringify(exit)}`);
  } finally {
    await hung.end();
  }
}

function environmentOf(pid: number): NodeJS.ProcessEnv {
  const entries = readFileSync(`/proc/${pid}/environ`, 'utf8')
    .split('\0')
    .filter((entry) => entry.includes('='));
  return Object.fromEntries(
    entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  );
}
