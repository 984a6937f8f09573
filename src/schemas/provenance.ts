import { z } from 'zod';
import { CauseSchema, ReactionSchema } from './incident.js';

/** An input of a training: what it was called, and what it held. */
const InputSchema = z.looseObject({
  source: z.string().describe('Hub and name; of addresses, local files and folders the last name only.'),
  commits: z.array(z.string()).describe('Commits that hub sources were resolved to, each behind its source.'),
  key: z.string().describe('Store key: hash of everything that it was made from.'),
  digest: z.string().describe("Hash of what the stage wrote; the key's, where it used what was there."),
});

const RestartSchema = z.looseObject({
  attempt: z.number().int(),
  at: z.string().describe('When the run learnt of it, RFC 3339.'),
  cause: CauseSchema,
  reaction: ReactionSchema,
  resumedFrom: z.number().int().nullable().describe('Iteration; 0 is the converted weights, null is not known.'),
});

/**
 * `provenance.json` in an exported model folder: what the model was made from, with what, and how it went. It travels
 * with the model, so it holds no path, no name of a host and nothing of the command lines.
 */
export const ProvenanceSchema = z.looseObject({
  v: z.literal(1),
  temper: z.string().describe('Version of Temper.'),
  run: z.string(),
  recipe: z.object({ id: z.string(), version: z.number() }),
  specDigest: z.string().describe('Hash of the spec of the run that exported.'),
  trial: z.boolean().describe('Trained on a part of the data, to try something out; never promoted.'),
  base: InputSchema.extend({
    reduceLayers: z.number().int().nullable().describe('Text layers that were kept; null is the whole model.'),
    continuedFrom: z
      .looseObject({
        iteration: z.number().int().nullable().describe('null: weights that were converted, not trained.'),
        digest: z.string().describe('Hash of its metadata and of samples of its shards.'),
      })
      .optional()
      .describe('Checkpoint of another training that this one went on from; absent: it began with the base.'),
  }).describe('The model that it was fine-tuned from.'),
  data: InputSchema.omit({ source: true }).extend({
    sets: z.array(
      z.looseObject({
        name: z.string(),
        format: z.string(),
        source: z.string(),
        images: z.string().optional().describe('Where its images came from, as a source; absent without images.'),
      }),
    ),
    rows: z.number().int().nullable().describe('Rows that were trained on; null where the stage did not count them.'),
    images: z.number().int().nullable(),
  }),
  software: z.record(z.string(), z.string()).describe('Version or commit by name, equal on all hosts.'),
  training: z.looseObject({
    key: z.string(),
    finishedAt: z.string(),
    iterations: z.number().int(),
    hosts: z.number().int(),
    ranksPerHost: z.number().int(),
    microBatchSize: z.number().int(),
    gradientAccumulation: z.number().int(),
    sequenceLength: z.number().int(),
    learningRate: z.number(),
    loss: z.string().nullable().describe('How the loss is averaged; null is the way of the recipe.'),
    frozen: z.array(z.string()).describe('Texts in the names of the tensors that did not learn.'),
    firstLoss: z.number().nullable(),
    lastLoss: z.number().nullable(),
    attempts: z.number().int(),
    restarts: z.array(RestartSchema),
  }),
  export: z.looseObject({
    dtype: z.enum(['bf16', 'f32']),
    tensors: z.number().int(),
    bytes: z.number().int().describe('Of tensor data.'),
  }),
});
export type Provenance = z.infer<typeof ProvenanceSchema>;
