import { z } from 'zod';
import { MetricsSchema } from './retrain.js';
import { NameSchema } from './units.js';

/** A model that was promoted at least once: `<workspace>/models/<name>/versions/0003/model.json`. */
export const ModelVersionSchema = z.object({
  v: z.literal(1),
  model: NameSchema,
  version: z.number().int(),
  run: NameSchema.describe('Run that made it.'),
  recipe: z.string(),
  specDigest: z.string(),
  fingerprint: z.string().nullable().describe('Of the inputs of its retrain; null when a person promoted it.'),
  startedFrom: z.number().int().nullable().describe('Promoted model that its training started from.'),
  export: z.object({ key: z.string(), digest: z.string(), hf: z.string().describe('Relative to the workspace.') }),
  metrics: MetricsSchema.nullable(),
  at: z.string(),
});
export type ModelVersion = z.infer<typeof ModelVersionSchema>;

/** A decision about the current model: a line of `history.jsonl`, and `changes/000007.json`. */
export const ModelChangeSchema = z.object({
  v: z.literal(1),
  model: NameSchema,
  number: z.number().int(),
  action: z.enum(['promote', 'rollback']),
  from: z.number().int().nullable(),
  to: z.number().int(),
  run: NameSchema.describe('Run that made the model.'),
  rejected: z
    .string()
    .nullable()
    .describe('Of a rollback: fingerprint of the inputs of the model that was given up; retrains of them are skipped.'),
  token: z.string().nullable().describe('Tells a repeated call of one decision from another decision.'),
  by: z.string(),
  why: z.string(),
  at: z.string(),
});
export type ModelChange = z.infer<typeof ModelChangeSchema>;

/** One model as `temper models ls` and `show` tell it. */
export const PromotedModelSchema = z.object({
  v: z.literal(1),
  model: NameSchema,
  current: z.number().int().nullable(),
  path: z.string().describe('Folder that always shows the current model.'),
  versions: z.array(ModelVersionSchema).describe('Newest first.'),
  history: z.array(ModelChangeSchema).describe('Newest first, the newest hundred.'),
});
export type PromotedModel = z.infer<typeof PromotedModelSchema>;

/** What `temper models ls -o json` prints. */
export const ModelListSchema = z.object({ v: z.literal(1), models: z.array(PromotedModelSchema) });
export type ModelList = z.infer<typeof ModelListSchema>;

/** Answer of a decision of a person. */
export const ModelDecisionSchema = z.object({ v: z.literal(1), change: ModelChangeSchema });
export type ModelDecision = z.infer<typeof ModelDecisionSchema>;
