import { z } from 'zod';
import { FileProblemSchema } from './model-files.js';

/** Result of checking one checkpoint folder, as `temper checkpoint verify -o json` prints it. */
export const CheckpointReportSchema = z
  .object({
    v: z.literal(1).describe('Major version of this format.'),
    complete: z.boolean().describe('True when the checkpoint can be loaded: there are no problems.'),
    iteration: z
      .number()
      .int()
      .nullable()
      .describe('Training iteration of the folder; null for a converted release checkpoint or an unknown folder name.'),
    worldSize: z.number().int().describe('Number of ranks that saved, from the shard names; 0 when unknown.'),
    tensors: z.number().int().describe('Number of tensors that the metadata names, optimizer included.'),
    bytes: z.number().int().describe('Bytes of all shards together, as the metadata says they are.'),
    hasOptimizer: z.boolean().describe('True when optimizer state was saved with the weights.'),
    problems: z.array(FileProblemSchema).readonly().describe('Reasons to refuse the checkpoint; empty when complete.'),
    warnings: z.array(FileProblemSchema).readonly().describe('Odd facts that do not prevent a load.'),
  })
  .readonly();
export type CheckpointReport = z.infer<typeof CheckpointReportSchema>;
