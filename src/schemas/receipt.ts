import { z } from 'zod';
import { OwnerSchema } from './fleet-calls.js';
import { StageNameSchema } from './plan.js';

const FactsSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));

/** One file of an output, or one folder of very many. Large files are judged by size and time, small ones by hash too. */
export const ManifestEntrySchema = z.object({
  path: z.string().describe('Relative to the output folder.'),
  bytes: z.number().describe('Size, bytes; of a folder that of all its files.'),
  mtimeMs: z.number().describe('Time of the last change, ms since 1970.'),
  sha256: z.string().optional().describe('Of files up to 64 MB; of a folder over the names and sizes of its files.'),
  files: z.number().optional().describe('Files below it; a folder of very many, such as images, is one entry.'),
});
export type ManifestEntry = z.infer<typeof ManifestEntrySchema>;

/** Proof that a stage's output is complete: renamed into place last. `<workspace>/store/<stage>/<key>/receipt.json`. */
export const ReceiptSchema = z.looseObject({
  v: z.literal(1),
  stage: StageNameSchema,
  key: z.string().describe('Hash of everything that the output depends on.'),
  dir: z.string().describe('Folder of the output, relative to the workspace; absolute when it was adopted.'),
  outputs: z.record(z.string(), z.string()).describe('Named outputs, relative to the workspace or absolute.'),
  facts: FactsSchema.describe('Small results that status and later stages show.'),
  manifest: z.array(ManifestEntrySchema).describe('What the output consists of.'),
  digest: z.string().describe('Hash of the manifest without times: what later stages depend on.'),
  madeBy: z
    .object({
      run: z.string().describe('Name of the run.'),
      host: z.string().describe('Host whose commands made it.'),
      owner: z.string().describe('First run id of the workflow of the run.'),
      tryNumber: z.number().describe('Try of the run, from 1.'),
    })
    .describe('Which try of which run made it.'),
  startedAt: z.string().describe('RFC 3339, UTC.'),
  finishedAt: z.string().describe('RFC 3339, UTC.'),
});
export type Receipt = z.infer<typeof ReceiptSchema>;

/** What a run remembers of a finished stage: `<workspace>/runs/<run>/stages/<stage>/receipt.json`. */
export const StageRecordSchema = z.looseObject({
  v: z.literal(1),
  stage: StageNameSchema,
  key: z.string().describe('Store key of the output.'),
  digest: z.string().describe('As in the receipt of the output.'),
  reused: z.boolean().describe('The output was there already.'),
  host: z.string().describe('Host that made or found it.'),
  at: z.string().describe('When, RFC 3339, UTC.'),
  durationMs: z.number().describe('How long the run was busy with it, ms.'),
});
export type StageRecord = z.infer<typeof StageRecordSchema>;

/** Who is making an output: `<workspace>/store/<stage>/<key>/claim/owner-<hash>.json`. */
export const ClaimSchema = z.looseObject({
  v: z.literal(1),
  run: z.string().describe('Name of the run.'),
  owner: OwnerSchema.describe('Workflow that makes it.'),
  host: z.string().describe('Host whose commands make the output.'),
  tryNumber: z.number().describe('Try of the run, from 1.'),
  out: z.string().describe('Folder of the entry that the commands write into.'),
  at: z.string().describe('When it was claimed, RFC 3339, UTC.'),
});
export type Claim = z.infer<typeof ClaimSchema>;
