import type { ProblemFacts } from './errors.js';

/** What a recipe needs of the configuration of a model. */
export interface ModelWish {
  /** `model_type` that its programs know. */
  readonly modelType: string;
  /** Part of config.json that describes the layers; empty for its top. */
  readonly section: string;
  /** Layers to keep; null is the whole model. */
  readonly layers: number | null;
}

type Json = Readonly<Record<string, unknown>>;

/** Number formats that can be trained on; all others belong to quantised weights. */
const TRAINABLE = ['BF16', 'F16', 'F32', 'F64'];

/** What makes a model unfit by its config.json, so that nobody waits for its weights to learn of it. */
export function modelConfigProblems(config: Json, { modelType, section, layers }: ModelWish): ProblemFacts[] {
  const problems: ProblemFacts[] = [];
  const type = config['model_type'];
  if (type !== modelType)
    problems.push({
      what: `model_type is ${JSON.stringify(type ?? null)}, and ${modelType} is needed`,
      why: 'the converter and the training know the names and shapes of that model only',
      fix: 'name a model of that type: temper resume RUN --set weights.source=VALUE',
    });
  const quantisation = config['quantization_config'] ?? config['compression_config'];
  if (isObject(quantisation)) {
    const method = quantisation['quant_method'];
    problems.push(quantised(typeof method === 'string' ? method : 'quantization_config'));
  }
  const wrong = layers === null ? null : layersProblem(config, section, layers);
  return wrong === null ? problems : [...problems, wrong];
}

/** What is wrong with the number formats of a model's tensors: a quantised model may have lost the word for it. */
export function dtypeProblem(dtypes: Iterable<string>): ProblemFacts | null {
  const strange = [...new Set(dtypes)].filter((dtype) => !TRAINABLE.includes(dtype));
  return strange.length === 0 ? null : quantised(strange.join(', '));
}

/** What is wrong with keeping the first `layers` of a model, or null. */
export function layersProblem(config: Json, section: string, layers: number): ProblemFacts | null {
  const part = section === '' ? config : config[section];
  const original = isObject(part) ? part['num_hidden_layers'] : undefined;
  if (!isObject(part) || typeof original !== 'number' || !Number.isInteger(original))
    return { what: 'it names no num_hidden_layers' };
  const dense = part['first_k_dense_replace'];
  const least = typeof dense === 'number' ? dense + 1 : 1;
  if (layers >= least && layers <= original) return null;
  return {
    what: `${layers} layers cannot be kept of ${original}`,
    ...(least > 1 ? { why: `the first ${least - 1} have no experts, and a model without experts is another one` } : {}),
    fix: `give a number from ${least} to ${original}: --layers N by hand, in a run temper resume RUN --set weights.reduceLayers=N`,
  };
}

function quantised(how: string): ProblemFacts {
  return {
    what: `the weights are quantised (${how})`,
    why: 'training needs the values that the model was released with, and the converter would take these for them',
    fix: 'name the model in BF16, without FP8 or another quantisation: temper resume RUN --set weights.source=VALUE',
  };
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
