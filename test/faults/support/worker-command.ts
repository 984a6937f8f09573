import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

/** This checkout. */
export const ROOT = resolve(import.meta.dirname, '../../..');
/** The fleet of all sites; each has a server of its own. */
export const FLEET = 'default';

/** Arguments of a worker of this checkout, or of another release. */
export function workerArguments(args: readonly string[], root = ROOT): readonly string[] {
  return [join(root, 'bin/temper.js'), 'worker', '--fleet', FLEET, ...args];
}

/**
 * The environment of a worker that finds its server as under `temper dev`, by the state file in its home, so that it has
 * the timers of one machine.
 */
export async function workerEnvironment(home: string, address: string): Promise<Readonly<NodeJS.ProcessEnv>> {
  await mkdir(home, { recursive: true });
  const state = { v: 1, address, namespace: 'default', uiUrl: '', fleet: FLEET, bootId: '', processes: [] };
  await writeFile(join(home, 'dev.json'), JSON.stringify(state));
  // The person's own temporal.toml would name another server.
  const profile = join(home, 'temporal-empty.toml');
  await writeFile(profile, '[profile.default]\n');
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('TEMPORAL_'));
  return {
    ...Object.fromEntries(kept),
    TEMPER_HOME: home,
    TEMPORAL_CONFIG_FILE: profile,
    TEMPER_PYTHON: join(ROOT, '.temper/venv/bin/python'),
    // Workers of the suite tell what is unusual; the rest would be megabytes.
    TEMPER_LOG_LEVEL: 'warn',
  };
}
