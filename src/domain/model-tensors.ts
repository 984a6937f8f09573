import type { ProblemFacts } from './errors.js';
import { someNames } from './text/some-names.js';

type Json = Readonly<Record<string, unknown>>;

/** Before the number of a layer, and of a vision block, in the names that transformers gives to vision-language models. */
const LAYERS = 'model.language_model.layers.';
const BLOCKS = 'model.visual.blocks.';
/** Absent names that a sentence names. */
const TOLD = 3;
/** Loops run over these numbers, so absurd ones are left to others. */
const MOST = 65_536;

/**
 * What config.json promises and the tensors do not hold: layers, experts, vision blocks, or a tensor that all layers of
 * the same kind have. The converter and the training would otherwise be the ones to notice, or nobody. Tensors beyond
 * that are nobody's business here: models are released with layers for speculative decoding.
 */
export function absentTensors(config: Json, names: ReadonlySet<string>): ProblemFacts | null {
  const text = isObject(config['text_config']) ? config['text_config'] : config;
  const vision = isObject(config['vision_config']) ? config['vision_config'] : {};
  const layers = countOf(text['num_hidden_layers']);
  const dense = Math.min(countOf(text['first_k_dense_replace']), layers);
  const experts = countOf(text['n_routed_experts']);
  const found = membersOf(names, LAYERS);
  const blocks = membersOf(names, BLOCKS);
  const absent = [
    ...unequal(LAYERS, found, 0, dense, []),
    ...unequal(LAYERS, found, dense, layers, expertNames(experts)),
    ...unequal(BLOCKS, blocks, 0, blocks.size === 0 ? 0 : countOf(vision['depth']), []),
  ];
  if (absent.length === 0) return null;
  return {
    what: `${absent.length} tensors that config.json promises are in no file: ${someNames(absent, TOLD)}`,
    why: `it speaks of ${layers} layers with ${experts} experts from layer ${dense} on; the converter would fail on them late, or the training begin with random values`,
    fix: 'fetch or export the model again; of a model that was cut down, correct config.json',
  };
}

/** Names that members `from` to `to` lack of those that one of them has, and of those that each must have. */
function unequal(
  prefix: string,
  members: ReadonlyMap<number, ReadonlySet<string>>,
  from: number,
  to: number,
  needed: readonly string[],
): string[] {
  const numbers = Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);
  const all = new Set([...needed, ...numbers.flatMap((number) => [...(members.get(number) ?? [])])]);
  return numbers.flatMap((number) => {
    const own = members.get(number);
    if (own === undefined) return [`${prefix}${number}.*`];
    return [...all].filter((name) => !own.has(name)).map((name) => `${prefix}${number}.${name}`);
  });
}

function expertNames(experts: number): string[] {
  return Array.from({ length: experts }, (_, expert) =>
    ['gate_proj', 'up_proj', 'down_proj'].map((kind) => `mlp.experts.${expert}.${kind}.weight`),
  ).flat();
}

/** Names behind `prefix` and a number, by that number. */
function membersOf(names: ReadonlySet<string>, prefix: string): Map<number, Set<string>> {
  const members = new Map<number, Set<string>>();
  for (const name of names) {
    if (!name.startsWith(prefix)) continue;
    const [number = '', ...rest] = name.slice(prefix.length).split('.');
    if (!/^\d+$/.test(number)) continue;
    const own = members.get(Number(number)) ?? new Set();
    members.set(Number(number), own.add(rest.join('.')));
  }
  return members;
}

function countOf(value: unknown): number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= MOST ? value : 0;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
