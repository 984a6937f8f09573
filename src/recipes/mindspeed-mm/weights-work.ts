import { join } from 'node:path';
import { z } from 'zod';
import { problem } from '../../domain/errors.js';
import type { ModelWish } from '../../domain/model-config.js';
import type { PipelineSpec } from '../../schemas/spec.js';
import { fetchFacts, fetchWeights, wishArgs } from '../fetch-commands.js';
import type { StageFacts, StageWork } from '../recipe.js';
import { temper } from './commands.js';
import { pathOf } from '../stage-drafts.js';

/** The original model in Hugging Face format: adopted where it lies, its headers, index and sizes agreeing. */
export function weightsWork(facts: StageFacts): StageWork {
  const { source, original } = facts.spec.weights;
  const fetched = fetchWeights(facts, MODELSCOPE_IDS, modelWish(facts.spec));
  const hf = fetched?.path ?? (source.startsWith('dcp:') ? (original ?? '') : pathOf(source));
  return {
    files: [],
    commands: [...(fetched?.commands ?? []), inspect(facts, hf)],
    checks: [{ kind: 'modelFolder', dir: hf }],
    outputs: { hf },
    factFiles: [REPORT, ...(fetched?.manifests ?? [])],
    facts: readReport,
  };
}

/** What the converter and the training take: the model in the format that it was released in. */
export function modelWish({ weights }: PipelineSpec): ModelWish {
  return { modelType: 'glm4v_moe', section: 'text_config', layers: weights.reduceLayers ?? null };
}

/** The model has another owner on ModelScope. */
const MODELSCOPE_IDS = { 'zai-org/GLM-4.5V': 'ZhipuAI/GLM-4.5V' } as const;

const REPORT = 'model.json';

function inspect(facts: StageFacts, dir: string): StageWork['commands'][number] {
  return temper(facts, 'inspect', [
    ...['model', 'inspect', dir, '--report', join(facts.out, REPORT)],
    ...wishArgs(modelWish(facts.spec)),
  ]);
}

const ReportSchema = z.looseObject({ bytes: z.number(), tensors: z.number(), layers: z.number().nullable() });

/** Real sizes: what later stages compute their needs from. */
function readReport([report, ...manifests]: readonly unknown[]): ReturnType<NonNullable<StageWork['facts']>> {
  const fetched = fetchFacts(manifests);
  const parsed = ReportSchema.safeParse(report);
  if (parsed.success) {
    const { bytes, tensors, layers } = parsed.data;
    return { facts: { ...fetched.facts, bytes, tensors, layers }, problems: fetched.problems };
  }
  return {
    facts: {},
    problems: [
      problem('ProofFailed', { what: 'the report on the model has an unknown form', why: parsed.error.message }),
    ],
  };
}
