import { readStoredSpec } from '../../../src/domain/spec/read-spec.js';
import type { HostTools, StageOutput } from '../../../src/recipes/recipe.js';
import { PipelineSpecSchema, type PipelineSpec, type PipelineSpecInput } from '../../../src/schemas/spec.js';

/** Every field of a spec that this recipe reads, with a value other than its default where it has one. */
export const INPUT = {
  apiVersion: 'temper/v1',
  name: 'tiny',
  recipe: 'cpu-tiny',
  workspace: '/ws',
  fleet: { name: 'lab', hosts: 2, npusPerHost: 2, spares: 1 },
  weights: { source: 'seed:1' },
  data: [{ name: 'shapes', format: 'synthetic', rows: 1600, heldOutRows: 50, seed: 7 }],
  train: {
    iterations: 400,
    microBatchSize: 16,
    gradientAccumulation: 3,
    learningRate: 2e-3,
    warmupFraction: 0.05,
    weightDecay: 0.1,
    seed: 11,
    sequenceLength: 256,
    freeze: { visionEncoder: true, visionProjector: false, textDecoder: false },
    checkpoint: { every: 100, keep: 3, fidelity: 'full' },
    env: { OMP_PROC_BIND: 'close', TRIES: 3 },
    threadsPerRank: 2,
  },
  export: { dtype: 'bf16' },
} as const satisfies PipelineSpecInput;

/** A spec with one field changed; `path` is as in `--set`, undefined removes the field. */
export function specWith(path = '', value?: unknown): PipelineSpec {
  return PipelineSpecSchema.parse(path === '' ? INPUT : changed(INPUT, path.split('.'), value));
}

function changed(data: unknown, [head = '', ...rest]: readonly string[], value: unknown): unknown {
  const inner = (old: unknown): unknown => (rest.length === 0 ? value : changed(old ?? {}, rest, value));
  if (Array.isArray(data)) return data.map((item, index) => (String(index) === head ? inner(item) : item));
  const old: Record<string, unknown> = Object.fromEntries(Object.entries(data ?? {}));
  return { ...old, [head]: inner(old[head]) };
}

/** The same spec with the keys of every section in reverse order. */
export function reversedSpec(): PipelineSpec {
  const reverse = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(reverse);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, member]) => [key, reverse(member)]),
    );
  };
  const { spec } = readStoredSpec(JSON.stringify(reverse(INPUT)));
  if (spec === null) throw new Error('the spec of the tests is not valid');
  return spec;
}

export const TOOLS: HostTools = {
  python: '/venv/python',
  node: '/bin/node',
  temper: '/app/temper.js',
  programs: '/programs',
  cpus: 8,
};

/** Output of a stage with these paths. */
export function outputOf(outputs: Readonly<Record<string, string>>): StageOutput {
  return { dir: '/ws/store', outputs, facts: {} };
}
