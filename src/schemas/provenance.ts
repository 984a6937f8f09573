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
  attempt: z.number().int().describe('Number of the attempt that failed.'),
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
  run: z.string().describe('Run that exported.'),
  recipe: z
    .object({
      id: z.string().describe('Id of the recipe.'),
      version: z.number().describe('Raised when an unchanged spec gives other outputs.'),
    })
    .describe('Recipe that the run was planned by.'),
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
  data: InputSchema.omit({ source: true })
    .extend({
      sets: z
        .array(
          z.looseObject({
            name: z.string().describe('As the spec calls it.'),
            format: z.string().describe('Format of its rows in the spec.'),
            source: z.string().describe('Where its rows came from, without addresses and folders.'),
            images: z.string().optional().describe('Where its images came from, as a source; absent without images.'),
          }),
        )
        .describe('Data sets of the spec, in its order.'),
      rows: z.number().int().nullable().describe('Rows that were trained on; null where the stage did not count them.'),
      images: z.number().int().nullable().describe('Distinct images; null where the stage did not count them.'),
    })
    .describe('What it was trained on.'),
  software: z.record(z.string(), z.string()).describe('Version or commit by name, equal on all hosts.'),
  training: z
    .looseObject({
      key: z.string().describe('Store key: hash of everything that it was trained from.'),
      finishedAt: z.string().describe('RFC 3339, UTC.'),
      iterations: z.number().int().describe('Iterations that were trained.'),
      hosts: z.number().int().describe('Hosts that trained.'),
      ranksPerHost: z.number().int().describe('Ranks of each host.'),
      microBatchSize: z.number().int().describe('Samples that a rank takes at once.'),
      gradientAccumulation: z.number().int().describe('Micro batches of a rank in one iteration.'),
      sequenceLength: z.number().int().describe('Longest row, tokens.'),
      learningRate: z.number().describe('Highest rate of the schedule.'),
      loss: z.string().nullable().describe('How the loss is averaged; null is the way of the recipe.'),
      frozen: z.array(z.string()).describe('Texts in the names of the tensors that did not learn.'),
      firstLoss: z.number().nullable().describe('Loss of the first iteration; null: not a number, or not known.'),
      lastLoss: z.number().nullable().describe('Loss of the last iteration; null: not a number, or not known.'),
      attempts: z.number().int().describe('Attempts until it was trained.'),
      restarts: z.array(RestartSchema).describe('Failures on the way, oldest first.'),
    })
    .describe('How it was trained, and how that went.'),
  export: z
    .looseObject({
      dtype: z.enum(['bf16', 'f32']).describe('Number format of the weights.'),
      tensors: z.number().int().describe('Number of tensors.'),
      bytes: z.number().int().describe('Of tensor data.'),
    })
    .describe('What was exported.'),
});
export type Provenance = z.infer<typeof ProvenanceSchema>;
