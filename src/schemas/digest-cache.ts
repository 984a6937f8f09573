import { z } from 'zod';

/** What a file was like when it was hashed, and its hash: `size inode mtimeNs ctimeNs sha256`. */
const KnownFileSchema = z.string().regex(/^\d+ \d+ -?\d+ -?\d+ [0-9a-f]{64}$/);

/** Hashes of the files that the last retrain of a model looked at: `<workspace>/models/<name>/digests.json`. */
export const DigestCacheSchema = z.object({
  v: z.literal(1),
  files: z
    .record(z.string(), KnownFileSchema)
    .describe('By absolute path: size, inode, and times of content and inode in ns, then the sha256.'),
});
export type DigestCache = z.infer<typeof DigestCacheSchema>;
