import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { start } from '../../e2e/support/runs.js';
import { simulatedSpec } from '../../e2e/support/simulated-spec.js';
import type { FaultSite } from './fault-site.js';
import type { Shape } from './moments.js';

export interface Training extends Shape {
  readonly name: string;
  readonly stepMs: number;
  readonly env: Readonly<Record<string, string | number>>;
  /** Faults of the trainer itself, as in its README. */
  readonly inner?: readonly Readonly<Record<string, unknown>>[];
  readonly spares?: number;
}

/** Starts a run of the simulated trainer up to its training; equal values train to the same bits. */
export async function startTraining(site: FaultSite, training: Training): Promise<string> {
  const { name, iterations, every, stepMs, env, inner = [], spares = 0 } = training;
  const faults = join(site.home, `${name}.faults.json`);
  await writeFile(faults, JSON.stringify({ v: 1, faults: inner }));
  const spec = simulatedSpec({
    name,
    workspace: site.workspace,
    iterations,
    every,
    spares,
    // The file of its own keeps each training from being taken for another one that the store holds already.
    env: { SIM_FAULTS: faults, SIM_STEP_MS: stepMs, SIM_GRACE_MS: 2_000, ...env },
    recovery: { spareWait: '60s' },
  });
  return start(site.client, spec, 'train');
}
