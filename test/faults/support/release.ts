import { appendFile, cp, mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { FaultSite } from './fault-site.js';
import type { NodeProcesses } from './training-processes.js';
import { ROOT } from './worker-command.js';

/** Starts all host workers from another release, whose keeper program differs; keepers that run keep their own. */
export async function startRelease(site: FaultSite, nodes: readonly NodeProcesses[]): Promise<void> {
  const release = join(site.home, 'release-2');
  const keeper = join(release, 'dist/keeper.mjs');
  await mkdir(release, { recursive: true });
  await cp(join(ROOT, 'dist'), join(release, 'dist'), { recursive: true });
  await cp(join(ROOT, 'bin'), join(release, 'bin'), { recursive: true });
  await cp(join(ROOT, 'package.json'), join(release, 'package.json'));
  await symlink(join(ROOT, 'node_modules'), join(release, 'node_modules')).catch(ignoreExisting);
  await appendFile(keeper, '\n// another release\n');
  for (const host of site.hosts) host.startRelease(release);
  await site.startHosts();
  const current = await readFile(keeper, 'utf8');
  for (const { handle } of nodes) expect(await readFile(handle.paths.program, 'utf8')).not.toBe(current);
}

function ignoreExisting(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
}
