import { z } from 'zod';

/** What identifies one shard of a proven checkpoint without reading all of it. */
export const ShardSealSchema = z.looseObject({
  file: z.string().describe('Name within the checkpoint folder.'),
  bytes: z.number().int().describe('Size when it was proven.'),
  sha256: z
    .string()
    .describe('Hash of its first, middle and last MiB one after the other; of the whole file up to 3 MiB.'),
});
export type ShardSeal = z.infer<typeof ShardSealSchema>;

/** What a checkpoint was when it was proven: later swaps and damage differ from it. */
export const CheckpointSealSchema = z.looseObject({
  metadataSha256: z.string().describe('Hash of the whole `.metadata`.'),
  shards: z.array(ShardSealSchema).describe('Every shard that the metadata names, by name.'),
});
export type CheckpointSeal = z.infer<typeof CheckpointSealSchema>;

/** Which parts of the training state a checkpoint holds, from the names of its entries. */
export const StoredStateSchema = z.looseObject({
  weights: z.boolean().describe('Tensors of the model.'),
  moments: z.boolean().describe('Running averages of the optimizer (Adam: first and second).'),
  schedule: z.boolean().describe('Position of the learning-rate schedule.'),
  rng: z.boolean().describe('State of the random generators.'),
  progress: z.boolean().describe('Iteration and number of samples taken.'),
});
export type StoredState = z.infer<typeof StoredStateSchema>;

/** One checkpoint that Temper proved. */
export const LedgerEntrySchema = z.looseObject({
  key: z.string().describe('Store key of the training: only checkpoints of the same key continue each other.'),
  attempt: z.number().int().describe('Attempt that saved it.'),
  iteration: z.number().int().describe('Iteration that it was saved at.'),
  dir: z.string().describe("Folder, relative to the run's folder."),
  provenAt: z.string().describe('When it was proven first; RFC 3339, UTC.'),
  worldSize: z.number().int().describe('Ranks that saved.'),
  bytes: z.number().int().describe('All shards together.'),
  stored: StoredStateSchema.describe('Which parts of the training state it holds.'),
  seal: CheckpointSealSchema.nullable().describe('null once the folder was removed: nothing is left to compare.'),
  refused: z.string().nullable().describe('Why it could not be used when it was last looked at; null when it could.'),
  removedAt: z.string().nullable().describe('When retention gave it up; null while it is kept.'),
});
export type LedgerEntry = z.infer<typeof LedgerEntrySchema>;

/**
 * `<workspace>/runs/<run>/checkpoints.json`: every checkpoint that was ever proven, and the one in use. It is changed
 * by compare and swap (`src/host/ledger/store.ts`): each change is one revision.
 */
export const LedgerSchema = z.looseObject({
  v: z.literal(1),
  revision: z.number().int().describe('Rises by one with each change; 0 is a ledger that was never written.'),
  checkpoints: z.array(LedgerEntrySchema).describe('In the order of their first proof.'),
  inUse: z
    .looseObject({
      attempt: z.number().int().describe('Attempt that loads it.'),
      dir: z.string().describe('Absolute folder that its load view shows.'),
    })
    .nullable()
    .describe('What the newest attempt starts from: never removed.'),
});
export type Ledger = z.infer<typeof LedgerSchema>;
