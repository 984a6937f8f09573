import { z } from 'zod';
import { CheckpointSealSchema } from './ledger.js';

/** `<scratch>/weights/<digest>/copy.json`: a checkpoint on a host's own disk, as it was when it was copied. */
export const LocalCopySchema = z.looseObject({
  v: z.literal(1),
  source: z.string().describe('Checkpoint folder that it is a copy of.'),
  folder: z.string().describe('Name of the checkpoint folder beside this file.'),
  bytes: z.number().int().describe('All files together.'),
  files: z
    .array(
      z.object({
        path: z.string().describe('Name in the folder.'),
        bytes: z.number().int().describe('Size, bytes.'),
        sha256: z.string().describe('Hash of its content.'),
      }),
    )
    .describe('Relative to the checkpoint folder; hashed while they were read, and once more from the copy.'),
  seal: CheckpointSealSchema.describe('Of the source; the copy is compared with it whenever it is used.'),
  at: z.string().describe('When it was made; RFC 3339, UTC.'),
});
export type LocalCopy = z.infer<typeof LocalCopySchema>;
