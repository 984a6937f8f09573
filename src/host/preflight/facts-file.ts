import { join } from 'node:path';
import type { FactsByHost } from '../../recipes/preflight.js';
import { KeptFactsSchema, type HostFacts } from '../../schemas/preflight.js';
import { readJsonFile, writeJsonFile } from '../json-file.js';
import { runDir } from '../run/run-folder.js';

/** Keeps what hosts told for later comparisons, which ask few of them; answers what is kept of other hosts. */
export async function keepFacts(workspace: string, run: string, facts: readonly HostFacts[]): Promise<FactsByHost> {
  const file = join(runDir(workspace, run), 'host-facts.json');
  // One that cannot be read has nothing that could be compared.
  const kept = await readJsonFile(file, KeptFactsSchema).catch(() => null);
  const now = Object.fromEntries(facts.map(({ host, recipe }) => [host, recipe]));
  await writeJsonFile(file, { v: 1, hosts: { ...kept?.hosts, ...now } });
  return new Map(Object.entries(kept?.hosts ?? {}).filter(([host]) => now[host] === undefined));
}
