import { z } from 'zod';
import { CheckpointBudgetsSchema } from './checkpoint.js';

/** `<workspace>/runs/<run>/attempts/<number>/attempt.json`: one launch of the whole gang. */
export const AttemptRecordSchema = z.looseObject({
  v: z.literal(1),
  attempt: z.number(),
  run: z.string(),
  key: z.string().describe('Store key of the training: only attempts of the same key continue each other.'),
  lease: z.number(),
  hosts: z.array(z.string()).describe('By node rank.'),
  masterAddress: z.string(),
  masterPort: z.number(),
  load: z
    .object({
      path: z.string(),
      iteration: z.number().nullable(),
      digest: z.string().optional().describe('Hash of its seal, where a person named it (train.fromCheckpoint).'),
    })
    .describe('Checkpoint that the load view shows; iteration null is the converted weights.'),
  refused: z.array(z.string()).describe('Newer checkpoints that were not used, with the reason.'),
  budgets: CheckpointBudgetsSchema.optional().describe('What a save and a load may take; measured once per training.'),
  at: z.string(),
});
export type AttemptRecord = z.infer<typeof AttemptRecordSchema>;

/** One line of `metrics.jsonl` of an attempt and host. */
export const MetricSchema = z.looseObject({
  v: z.literal(1),
  iteration: z.number(),
  loss: z.number().nullable().describe('null is not a number.'),
  learningRate: z.number().nullable(),
  gradNorm: z.number().nullable(),
  elapsedMs: z.number().nullable(),
  consumedSamples: z.number().nullable().optional().describe('Samples taken by all iterations up to this one.'),
  globalBatchSize: z.number().nullable().optional().describe('Samples of this iteration.'),
  tokensPerSample: z.number().nullable().optional().describe('Mean over the samples of this iteration.'),
});
export type Metric = z.infer<typeof MetricSchema>;
