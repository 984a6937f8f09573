/** What tests change in the spec of the simulated trainer. */
export interface SimulatedSpec {
  readonly name: string;
  readonly workspace: string;
  readonly iterations?: number;
  readonly every?: number;
  readonly weights?: string;
  /** Variables of the launchers and ranks, such as SIM_FAULTS; see README.md of the recipe. */
  readonly env?: Readonly<Record<string, string | number>>;
  /** Hosts of the fleet that are kept free for this run. */
  readonly spares?: number;
  /** As in the spec: limits of restarting and waiting. */
  readonly recovery?: Readonly<Record<string, string | number>>;
  /** Words of export.smoke.command. */
  readonly smoke?: readonly string[];
}

/** Text of a spec for two hosts with two ranks each, whose programs need neither Python nor torch. */
export function simulatedSpec({
  name,
  workspace,
  iterations = 200,
  every = 50,
  weights = 'seed:1',
  env = {},
  spares = 0,
  recovery = {},
  smoke,
}: SimulatedSpec): string {
  return `apiVersion: temper/v1
name: ${name}
recipe: simulated
workspace: ${workspace}
fleet: { hosts: 2, npusPerHost: 2, spares: ${spares} }
weights: { source: '${weights}' }
data:
  - { name: numbers, format: synthetic, rows: 400, heldOutRows: 50, seed: 7 }
train:
  iterations: ${iterations}
  microBatchSize: 4
  learningRate: 2.0e-3
  warmupFraction: 0.05
  freeze: { visionEncoder: false, visionProjector: false, textDecoder: false }
  checkpoint: { every: ${every}, keep: 3, fidelity: full }
  env: ${JSON.stringify(env)}
recovery: ${JSON.stringify(recovery)}
${smoke === undefined ? '' : `export: { smoke: { command: ${JSON.stringify(smoke)} } }\n`}`;
}
