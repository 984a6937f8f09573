import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { copyFile, rename } from 'node:fs/promises';
import { expect } from 'vitest';
import { fenceFile } from '../../../src/host/fence/workspace-fence.js';
import type { Place } from './moments.js';
import type { NodeProcesses } from './training-processes.js';

/**
 * The fence hangs whoever reads it, as on a file server that does not answer, until the keepers have ended their ranks
 * by their own clock; then the file server is back.
 */
export async function hangWorkspace({ site, run }: Place, nodes: readonly NodeProcesses[]): Promise<void> {
  const fence = fenceFile(site.workspace, run);
  await copyFile(fence, `${fence}.kept`);
  const { status, stderr } = spawnSync('mkfifo', [`${fence}.pipe`], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  await rename(`${fence}.pipe`, fence);
  const first = await Promise.any(nodes.map(({ handle }) => handle.waitForExit()));
  // All hang together, and the first one to end takes the others along.
  expect(first.stop).toMatchObject({ reason: 'workspace-lost', requestedBy: 'keeper' });
  // Whoever waits in the pipe reads its end; those who come later find the file.
  const pipe = openSync(fence, constants.O_RDWR | constants.O_NONBLOCK);
  await rename(`${fence}.kept`, fence);
  closeSync(pipe);
}
