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
      .describe(
        'Training iteration, by the name of the folder, else by what the save says; null for converted weights, or where nothing tells it (a warning).',
      ),
    worldSize: z.number().int().describe('Number of ranks that saved, from the shard names; 0 when unknown.'),
    tensors: z.number().int().describe('Number of tensors that the metadata names, optimizer included.'),
    bytes: z.number().int().describe('Bytes of all shards together, as the metadata says they are.'),
    hasOptimizer: z
      .boolean()
      .describe(
        'True when the moments of the optimizer were saved with the weights; its settings alone restore nothing.',
      ),
    content: z
      .object({
        isSealed: z.boolean().describe('Ends and middle of each shard are as they were when Temper proved it.'),
        isRead: z.boolean().describe('Every stored item was read (--deep).'),
        records: z.number().int().describe('Stored records whose content has the checksum that it was saved with.'),
        unsummed: z.number().int().describe('Stored records that were saved without a checksum.'),
      })
      .optional()
      .describe('What was found out about the bytes in the shards, beyond their names and sizes.'),
    problems: z.array(FileProblemSchema).readonly().describe('Reasons to refuse the checkpoint; empty when complete.'),
    warnings: z.array(FileProblemSchema).readonly().describe('Odd facts that do not prevent a load.'),
  })
  .readonly();
export type CheckpointReport = z.infer<typeof CheckpointReportSchema>;

/** Parts of the training state that a resume restores or not. */
export const ResumeComponentSchema = z.enum(['weights', 'moments', 'learningRate', 'rng', 'dataOrder', 'iteration']);
export type ResumeComponent = z.infer<typeof ResumeComponentSchema>;

/** What became of a component of the training's state. */
export const ResumeStateSchema = z.enum(['restored', 'reset', 'unverified']);
export type ResumeState = z.infer<typeof ResumeStateSchema>;

/** What a resume really resumed. */
export const ResumeReportSchema = z.object({
  v: z.literal(1),
  fidelity: z.enum(['full', 'weights-only']).describe('What the spec promises.'),
  from: z
    .number()
    .int()
    .nullable()
    .describe('Iteration of the checkpoint; null: the converted weights, nothing was resumed.'),
  components: z
    .array(
      z.object({
        name: ResumeComponentSchema.describe('Part of the training state.'),
        state: ResumeStateSchema.describe('What became of it.'),
        reason: z.string().describe('What shows it.'),
      }),
    )
    .describe('Parts of the training state, each on its own.'),
  broken: z.array(ResumeComponentSchema).describe('Parts that the fidelity promises and that began anew.'),
});
export type ResumeReport = z.infer<typeof ResumeReportSchema>;

/** The same in a few words, for memo, heartbeats and status. */
export const ResumeNoteSchema = z.object({
  attempt: z.number().int().describe('Attempt that resumed.'),
  from: z.number().int().describe('Iteration of the checkpoint.'),
  fidelity: z.enum(['full', 'weights-only']).describe('What its checkpoints hold.'),
  components: z
    .partialRecord(ResumeComponentSchema, ResumeStateSchema)
    .describe('What became of each part of the training state.'),
  broken: z.array(ResumeComponentSchema).describe('Parts that the fidelity promises and that began anew.'),
  warning: z.string().optional().describe('What began again as the fidelity announces; at most 160 characters.'),
});
export type ResumeNote = z.infer<typeof ResumeNoteSchema>;

/** Silence that a save and a load are given at least, from bytes and measured bandwidth. */
export const CheckpointBudgetsSchema = z.object({
  saveMs: z.number().describe('Silence that a save is given, ms.'),
  loadMs: z.number().describe('Silence that a load is given, ms.'),
  expectedSaveMs: z.number().optional().describe('What a save takes by the measure itself, without any margin.'),
});
export type CheckpointBudgets = z.infer<typeof CheckpointBudgetsSchema>;

/** What the checkpoints of a training cost, as `temper plan` shows it. */
export const CheckpointEconomySchema = z.object({
  writeBytesPerSecond: z.number().describe('Measured by one host in the workspace, on disk.'),
  readBytesPerSecond: z.number().describe('Measured by one host in the workspace.'),
  isReadCached: z.boolean().describe('The file system allows no read past its cache: reading may really be slower.'),
  bytesPerSave: z.number().describe('Size of one checkpoint, bytes.'),
  isSizePlanned: z
    .literal(true)
    .optional()
    .describe('The weights are not converted yet: their size is the one of the released model, all of which learns.'),
  saveMs: z.number().describe('What a save takes, ms.'),
  loadMs: z.number().describe('What a load takes, ms.'),
  saves: z.number().int().describe('Checkpoints that the whole training writes.'),
  iterationMs: z.number().nullable().describe('Median of earlier attempts; null before there is one.'),
  shareOfRun: z.number().nullable().describe('Share of the time that goes into saves, 0 to 1.'),
  peakBytes: z.number().describe('Most bytes that lie in the workspace at once.'),
  mtbfMs: z.number().describe('Assumed time between two failures of the gang.'),
  youngMs: z.number().describe("Young's interval between two saves."),
  youngIterations: z.number().nullable().describe('The same in iterations.'),
  cheapIterationMs: z
    .number()
    .describe('An iteration must take at least this long for saves to stay below a tenth of the run.'),
  saveBudgetMs: z
    .number()
    .describe('Silence that a save is given before it counts as stalled, or `stallSaveMs` where that is longer.'),
  loadBudgetMs: z
    .number()
    .describe('Silence that a load is given before it counts as stalled; longer while ranks compute.'),
});
export type CheckpointEconomy = z.infer<typeof CheckpointEconomySchema>;
