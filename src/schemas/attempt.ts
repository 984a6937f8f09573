import { z } from 'zod';
import { CheckpointBudgetsSchema } from './checkpoint.js';

/** `<workspace>/runs/<run>/attempts/<number>/attempt.json`: one launch of the whole gang. */
export const AttemptRecordSchema = z.looseObject({
  v: z.literal(1),
  attempt: z.number().describe('Number of the attempt, from 1.'),
  run: z.string().describe('Run that it belongs to.'),
  key: z.string().describe('Store key of the training: only attempts of the same key continue each other.'),
  lease: z.number().describe('Number of the lease that its hosts were given with.'),
  hosts: z.array(z.string()).describe('By node rank.'),
  masterAddress: z.string().describe('Where the ranks meet: address of the first host.'),
  masterPort: z.number().describe('Port of the meeting place.'),
  load: z
    .object({
      path: z.string().describe('Absolute folder.'),
      iteration: z.number().nullable().describe('null: converted weights.'),
      digest: z.string().optional().describe('Hash of its seal, where a person named it (train.fromCheckpoint).'),
    })
    .describe('Checkpoint that the load view shows; iteration null is the converted weights.'),
  refused: z.array(z.string()).describe('Newer checkpoints that were not used, with the reason.'),
  budgets: CheckpointBudgetsSchema.optional().describe('What a save and a load may take; measured once per training.'),
  at: z.string().describe('When it was opened, RFC 3339.'),
});
export type AttemptRecord = z.infer<typeof AttemptRecordSchema>;

/** One line of `metrics.jsonl` of an attempt and host. */
export const MetricSchema = z.looseObject({
  v: z.literal(1),
  iteration: z.number().describe('Iteration, from 1.'),
  loss: z.number().nullable().describe('null is not a number.'),
  learningRate: z.number().nullable().describe('null: the line had none.'),
  gradNorm: z.number().nullable().describe('Norm of the gradients; null: the line had none.'),
  elapsedMs: z.number().nullable().describe('Time that the iteration took, ms; null: the line had none.'),
  consumedSamples: z.number().nullable().optional().describe('Samples taken by all iterations up to this one.'),
  globalBatchSize: z.number().nullable().optional().describe('Samples of this iteration.'),
  tokensPerSample: z.number().nullable().optional().describe('Mean over the samples of this iteration.'),
});
export type Metric = z.infer<typeof MetricSchema>;
