import { join } from 'node:path';
import { z } from 'zod';
import { fingerprint } from '../domain/fingerprint.js';
import { readJsonFile, writeJsonFile } from './json-file.js';

/** Record of a proven environment, on the host's own disk. */
export const ProvenEnvironmentSchema = z.looseObject({
  v: z.literal(1),
  digest: z.string().describe('Hash of the lock.'),
  lock: z.record(z.string(), z.string()).describe('Installed versions by name.'),
  at: z.string(),
});
export type ProvenEnvironment = z.infer<typeof ProvenEnvironmentSchema>;

/** What was proven to work on this host for a recipe and a Python, or null. Lies on the host's own disk. */
export function readEnvironment(scratch: string, recipe: string, python: string): Promise<ProvenEnvironment | null> {
  return readJsonFile(environmentFile(scratch, recipe, python), ProvenEnvironmentSchema);
}

/** Remembers a proven environment. */
export async function writeEnvironment(
  scratch: string,
  recipe: string,
  python: string,
  lock: Readonly<Record<string, string>>,
): Promise<void> {
  const record: ProvenEnvironment = {
    v: 1,
    digest: fingerprint(lock),
    lock: { ...lock },
    at: new Date().toISOString(),
  };
  await writeJsonFile(environmentFile(scratch, recipe, python), record);
}

function environmentFile(scratch: string, recipe: string, python: string): string {
  return join(scratch, 'environments', `${recipe.replaceAll('/', '-')}-${fingerprint(python)}.json`);
}
