/** What tests change in the tiny spec. */
export interface TinySpec {
  readonly name: string;
  readonly workspace: string;
  readonly iterations: number;
  readonly every?: number;
  readonly rows?: number;
  readonly heldOutRows?: number;
  readonly dtype?: 'bf16' | 'f32';
  readonly weights?: string;
  readonly spares?: number;
  /** Variables of the ranks: with others it is another training. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Text of a spec for two hosts with one rank each. */
export function tinySpec({
  name,
  workspace,
  iterations,
  every = 20,
  rows = 400,
  heldOutRows = 10,
  dtype = 'f32',
  weights = 'seed:1',
  spares = 0,
  env = {},
}: TinySpec): string {
  return `apiVersion: temper/v1
name: ${name}
recipe: cpu-tiny
workspace: ${workspace}
fleet: { hosts: 2, npusPerHost: 1, spares: ${spares} }
weights: { source: '${weights}' }
data:
  - { name: shapes, format: synthetic, rows: ${rows}, heldOutRows: ${heldOutRows}, seed: 7 }
train:
  iterations: ${iterations}
  microBatchSize: 4
  learningRate: 1.0e-3
  warmupFraction: 0.05
  sequenceLength: 256
  freeze: { visionEncoder: false, visionProjector: false, textDecoder: false }
  checkpoint: { every: ${every}, keep: 3, fidelity: full }
  env: ${JSON.stringify(env)}
export: { dtype: ${dtype} }
`;
}
