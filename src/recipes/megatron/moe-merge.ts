import type { TensorShape } from '../checkpoint-contract.js';
import { componentOf, hfNameToFqn } from './checkpoint-dialect.js';

/** Which layers of a model have experts, and how many. */
export interface MoeGeometry {
  /** Number of text layers; experts are in those from `firstDense` on. */
  readonly layers: number;
  /** Number of layers at the start that have one dense MLP instead of experts. */
  readonly firstDense: number;
  readonly experts: number;
}

/**
 * Reads the geometry from the parsed config.json of a model folder, where the text part may stand under `text_config`.
 * Null when the model has no experts.
 */
export function readMoeGeometry(config: unknown): MoeGeometry | null {
  const text = fieldOf(config, 'text_config') ?? config;
  const layers = fieldOf(text, 'num_hidden_layers');
  const firstDense = fieldOf(text, 'first_k_dense_replace') ?? 0;
  const experts = fieldOf(text, 'n_routed_experts');
  if (!isCount(layers) || !isCount(firstDense) || !isCount(experts) || experts === 0) return null;
  return { layers, firstDense, experts };
}

/** Tensors of the original by their names in the Hugging Face folder, or of a checkpoint by FQN. */
export type TensorShapes = ReadonlyMap<string, TensorShape>;

/** The tensors that a conversion must produce, and the original's names that it needs but cannot find. */
export interface MergedTensors {
  readonly tensors: TensorShapes;
  /** One sentence for each expert tensor that is missing, misshapen or of another dtype than its siblings. */
  readonly problems: readonly string[];
}

/**
 * Computes what merging experts makes of the original's tensors. With E experts, hidden size H and expert width I, a
 * layer's gate and up projections become one [E*H, 2I], its down projections one [E*I, H]; the rest stays as it is.
 */
export function mergeExperts(original: TensorShapes, geometry: MoeGeometry): MergedTensors {
  const tensors = new Map<string, TensorShape>();
  const problems: string[] = [];
  const consumed = new Set<string>();
  for (let layer = geometry.firstDense; layer < geometry.layers; layer += 1) {
    const path = `model.language_model.layers.${layer}.mlp.experts`;
    const names = expertNames(path, geometry.experts);
    for (const name of names) consumed.add(name);
    const missing = names.filter((name) => !original.has(name));
    if (missing.length > 0) {
      problems.push(`layer ${layer} lacks ${missing.length} expert tensors, first ${missing[0]}`);
      continue;
    }
    const merged = mergeLayer(original, path, geometry.experts);
    problems.push(...merged.problems);
    for (const [name, tensor] of merged.tensors) tensors.set(hfNameToFqn(name), tensor);
  }
  for (const [name, tensor] of original) {
    if (!consumed.has(name)) tensors.set(hfNameToFqn(name), tensor);
  }
  return { tensors, problems };
}

/** Every expected tensor is there as expected and no other model tensor is; one sentence for each difference. */
export function compareCheckpointTensors(
  expected: TensorShapes,
  actual: TensorShapes,
  options: { readonly isWidened: boolean },
): readonly string[] {
  const differences: string[] = [];
  for (const [fqn, tensor] of expected) {
    const found = actual.get(fqn);
    const dtype = options.isWidened && tensor.dtype === 'BF16' ? 'F32' : tensor.dtype;
    if (found === undefined) differences.push(`${fqn} is missing`);
    else if (found.shape.join() !== tensor.shape.join()) {
      differences.push(`${fqn} is [${found.shape.join(', ')}] instead of [${tensor.shape.join(', ')}]`);
    } else if (found.dtype !== dtype) differences.push(`${fqn} is ${found.dtype} instead of ${dtype}`);
  }
  const extra = [...actual.keys()].filter((fqn) => componentOf(fqn) === 'model' && !expected.has(fqn));
  return [...differences, ...extra.map((fqn) => `${fqn} is not in the original`)];
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && name in value ? Reflect.get(value, name) : undefined;
}

/** Loops run over these numbers, so absurd ones are no geometry. */
function isCount(value: unknown): value is number {
  return Number.isInteger(value) && typeof value === 'number' && value >= 0 && value <= 65_536;
}

const PROJECTIONS = ['gate_proj', 'up_proj', 'down_proj'] as const;
type Projection = (typeof PROJECTIONS)[number];

function expertName(path: string, expert: number, projection: Projection): string {
  return `${path}.${expert}.${projection}.weight`;
}

function expertNames(path: string, experts: number): readonly string[] {
  return Array.from({ length: experts }, (_, expert) =>
    PROJECTIONS.map((kind) => expertName(path, expert, kind)),
  ).flat();
}

/** Merges one layer, all of whose tensors exist. The first expert's gate says what H, I and the dtype are. */
function mergeLayer(original: TensorShapes, path: string, experts: number): MergedTensors {
  const gate = original.get(expertName(path, 0, 'gate_proj'));
  const [width, hidden, ...more] = gate?.shape ?? [];
  if (gate === undefined || width === undefined || hidden === undefined || more.length > 0) {
    return { tensors: new Map(), problems: [`${expertName(path, 0, 'gate_proj')} is no matrix`] };
  }
  const shapes: Readonly<Record<Projection, readonly number[]>> = {
    gate_proj: [width, hidden],
    up_proj: [width, hidden],
    down_proj: [hidden, width],
  };
  const problems = Array.from({ length: experts }, (_, expert) =>
    PROJECTIONS.flatMap((kind) => {
      const name = expertName(path, expert, kind);
      const tensor = original.get(name);
      const isAsExpected = tensor?.dtype === gate.dtype && tensor.shape.join() === shapes[kind].join();
      if (isAsExpected) return [];
      return [
        `${name} is ${tensor?.dtype} [${tensor?.shape.join(', ')}] instead of ${gate.dtype} [${shapes[kind].join(', ')}]`,
      ];
    }),
  ).flat();
  const tensors = new Map<string, TensorShape>([
    [`${path}.gate_up_proj`, { dtype: gate.dtype, shape: [experts * hidden, 2 * width] }],
    [`${path}.down_proj`, { dtype: gate.dtype, shape: [experts * width, hidden] }],
  ]);
  return { tensors, problems };
}
