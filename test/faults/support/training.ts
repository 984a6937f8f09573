import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunStatus } from '../../../src/schemas/run.js';
import { digestModel } from '../../e2e/support/digest-model.js';
import { exportDir, start } from '../../e2e/support/runs.js';
import { simulatedSpec } from '../../e2e/support/simulated-spec.js';
import { tinySpec } from '../../e2e/support/tiny-spec.js';
import type { FaultSite } from './fault-site.js';
import type { Shape } from './moments.js';
import { digestState } from './state-digest.js';

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
  const faults = await writeFaults(site, name, inner);
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

/** Says what goes wrong in a training from now on; answers the file that says it. */
export async function writeFaults(
  site: FaultSite,
  name: string,
  faults: readonly Readonly<Record<string, unknown>>[],
): Promise<string> {
  const file = join(site.home, `${name}.faults.json`);
  await writeFile(file, JSON.stringify({ v: 1, faults }));
  return file;
}

/** What a row is run on. */
export interface Trainer {
  readonly shape: Shape;
  /** Starts a run up to its training, or its export; whatever the name, it trains to the same bits. */
  start(site: FaultSite, training: Omit<Training, keyof Shape>): Promise<string>;
  /** Digest of what a finished run trained. */
  digest(site: FaultSite, status: RunStatus): Promise<string>;
}

const SIMULATED_SHAPE: Shape = { nodes: 2, ranksPerNode: 2, iterations: 120, every: 20 };

export const SIMULATED: Trainer = {
  shape: SIMULATED_SHAPE,
  start: (site, training) => startTraining(site, { ...SIMULATED_SHAPE, ...training }),
  digest: (site, status) => digestState(lastCheckpoint(site, status)),
};

const TINY_SHAPE: Shape = { nodes: 2, ranksPerNode: 1, iterations: 40, every: 8 };

function lastCheckpoint(site: FaultSite, { run, result }: RunStatus): string {
  const checkpoint = result?.facts['train']?.['checkpoint'];
  if (typeof checkpoint !== 'string') throw new Error(`run ${run} tells no checkpoint`);
  return join(site.workspace, checkpoint);
}

/** The real thing on the CPU: torch, torchrun, gloo, DCP. */
export const TINY: Trainer = {
  shape: TINY_SHAPE,
  start: (site, { name, spares = 0 }) =>
    start(
      site.client,
      tinySpec({ ...TINY_SHAPE, name, workspace: site.workspace, spares, env: { FAULT_ROW: name } }),
      'export',
    ),
  // Shards of torch name folders of their attempt between the weights: so what is compared is the exported model.
  digest: (site, { run }) => digestModel(exportDir(site.workspace, run)),
};
