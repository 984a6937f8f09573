import { z } from 'zod';

const Sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);

/** One file that was fetched. */
export const FetchedFileSchema = z.object({
  path: z.string().min(1).describe('Path within the folder that was fetched, with /; its own name for a single file'),
  bytes: z.int().nonnegative().describe('Size in bytes'),
  sha256: Sha256Schema.describe('sha256 of the content as it was written'),
  proof: z
    .enum(['sha256', 'git-blob', 'none'])
    .describe(
      'What the content was compared with: the sha256 or the git blob id that the hub or the spec told; none: nobody told any',
    ),
  etag: z.string().nullable().describe('ETag of the server, for files without proof; null where there was none'),
});
export type FetchedFile = z.infer<typeof FetchedFileSchema>;

/** What `temper fetch` brought, and from where; no time stands in it, so equal fetches write equal manifests. */
export const FetchManifestSchema = z.object({
  v: z.literal(1).describe('Major version of this manifest'),
  source: z.string().describe('What was asked for, as in the spec'),
  endpoint: z.string().describe('Scheme and host that answered; a mirror where one is set'),
  commit: z.string().nullable().describe('Commit that the revision meant; null where the source tells none'),
  files: z.array(FetchedFileSchema).describe('All files, sorted by path'),
  bytes: z.int().nonnegative().describe('Sum of the sizes in bytes'),
});
export type FetchManifest = z.infer<typeof FetchManifestSchema>;

const RangeSchema = z.tuple([z.int().nonnegative(), z.int().positive()]).readonly();

/** What is known of a partial file, beside it: which bytes of which version of the file are there. */
export const PartialFileSchema = z.object({
  v: z.literal(1).describe('Major version of this journal'),
  name: z.string().describe('What is downloaded, for people'),
  bytes: z.int().nonnegative().nullable().describe('Size of the whole file in bytes; null when not known'),
  validator: z.string().nullable().describe('ETag or Last-Modified that every part must have; null where none is told'),
  done: z.array(RangeSchema).readonly().describe('Ranges [from, to) in bytes that are written, sorted, not touching'),
});
export type PartialFile = z.infer<typeof PartialFileSchema>;

/** What is known of a whole file in the cache whose content nobody told a hash of. */
export const CachedFileSchema = z.object({
  v: z.literal(1).describe('Major version of this record'),
  url: z.string().describe('Address that it came from'),
  bytes: z.int().nonnegative().describe('Size in bytes'),
  sha256: Sha256Schema.describe('sha256 as it was downloaded'),
  validator: z.string().nullable().describe('ETag or Last-Modified of the version; null: it is downloaded again'),
});
export type CachedFile = z.infer<typeof CachedFileSchema>;

/** Who downloads a file into the cache now. */
export const DownloadClaimSchema = z.object({
  v: z.literal(1).describe('Major version of this claim'),
  id: z.string().describe('Differs for each claim'),
  machine: z.string().describe('Machine id of the host'),
  host: z.string().describe('Host name'),
  pidSpace: z.string().describe('Namespace that the pid belongs to'),
  pid: z.int().positive().describe('Process that downloads'),
  startTicks: z.int().nonnegative().describe('Start of the process in clock ticks since boot'),
  bootId: z.string().describe('Boot of the host'),
});
export type DownloadClaim = z.infer<typeof DownloadClaimSchema>;

/** What is known of an archive that is being unpacked: which entries lie in the folder, and are right. */
export const UnzipJournalSchema = z.object({
  v: z.literal(1).describe('Major version of this journal'),
  archive: z.string().describe('Fingerprint of the list of entries of the archive'),
  entries: z
    .int()
    .nonnegative()
    .describe('Entries 0 to this number (not included) were written; each is read and checked before it is skipped'),
});
export type UnzipJournal = z.infer<typeof UnzipJournalSchema>;

/** What `temper unzip` reports. */
export const UnzipReportSchema = z.object({
  v: z.literal(1).describe('Major version of this report'),
  zip: z.string().describe('Archive'),
  output: z.string().describe('Folder that it was unpacked into'),
  files: z.int().nonnegative().describe('Files in it'),
  bytes: z.int().nonnegative().describe('Sum of their sizes in bytes'),
  resumed: z.int().nonnegative().describe('Files of these that an earlier, interrupted run had unpacked'),
});
export type UnzipReport = z.infer<typeof UnzipReportSchema>;
