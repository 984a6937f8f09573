import { z } from 'zod';
import { MetricsSchema } from './retrain.js';
import { NameSchema } from './units.js';

/** A model that was promoted at least once: `<workspace>/models/<name>/versions/0003/model.json`. */
export const ModelVersionSchema = z.object({
  v: z.literal(1),
  model: NameSchema.describe('Name of the model.'),
  version: z.number().int().describe('Number of the version, from 1.'),
  run: NameSchema.describe('Run that made it.'),
  recipe: z.string().describe('Id of the recipe that made it.'),
  specDigest: z.string().describe('Hash of the spec of its run.'),
  fingerprint: z
    .string()
    .nullable()
    .describe('Of the inputs of its retrain; null when a person promoted a run of no retrain.'),
  startedFrom: z.number().int().nullable().describe('Promoted model that its training started from.'),
  export: z
    .object({
      key: z.string().describe('Store key.'),
      digest: z.string().describe('Hash of what the export wrote.'),
      hf: z.string().describe('Relative to the workspace.'),
    })
    .describe('Output in the store that holds its files.'),
  metrics: MetricsSchema.nullable().describe('What its evaluation measured; null: nothing was.'),
  at: z.string().describe('When it was promoted, RFC 3339, UTC.'),
});
export type ModelVersion = z.infer<typeof ModelVersionSchema>;

/** A decision about the current model: a line of `history.jsonl`, and `changes/000007.json`. */
export const ModelChangeSchema = z.object({
  v: z.literal(1),
  model: NameSchema.describe('Name of the model.'),
  number: z.number().int().describe('Number of the decision, from 1.'),
  action: z.enum(['promote', 'rollback']).describe('Whether a new model became current, or an old one again.'),
  from: z.number().int().nullable().describe('Version that was current before; null: none.'),
  to: z.number().int().describe('Version that is current after it.'),
  run: NameSchema.describe('Run that made the model.'),
  rejected: z
    .string()
    .nullable()
    .describe('Of a rollback: fingerprint of the inputs of the model that was given up; retrains of them are skipped.'),
  token: z.string().nullable().describe('Tells a repeated call of one decision from another decision.'),
  by: z.string().describe('Who decided: a person, or a schedule.'),
  why: z.string().describe('Reason, in words.'),
  at: z.string().describe('When, RFC 3339, UTC.'),
});
export type ModelChange = z.infer<typeof ModelChangeSchema>;

/** One model as `temper models ls` and `show` tell it. */
export const PromotedModelSchema = z.object({
  v: z.literal(1),
  model: NameSchema.describe('Name of the model.'),
  current: z.number().int().nullable().describe('Version that is current; null: none.'),
  path: z.string().describe('Folder that always shows the current model.'),
  versions: z.array(ModelVersionSchema).describe('Newest first.'),
  history: z.array(ModelChangeSchema).describe('Newest first, the newest hundred.'),
});
export type PromotedModel = z.infer<typeof PromotedModelSchema>;

/** What `temper models ls -o json` prints. */
export const ModelListSchema = z.object({ v: z.literal(1), models: z.array(PromotedModelSchema).describe('By name.') });
export type ModelList = z.infer<typeof ModelListSchema>;

/** Answer of a decision of a person. */
export const ModelDecisionSchema = z.object({
  v: z.literal(1),
  change: ModelChangeSchema.describe('What was decided.'),
});
export type ModelDecision = z.infer<typeof ModelDecisionSchema>;
