import { z } from 'zod';

const share = z.number().nonnegative().describe('Share of the time; above 1 where several threads do it at once.');

/**
 * What the ranks of one host did of late, by what the kernel counts: whoever works, waits for a processor, or cannot go
 * on, holds up those that only wait for others. Tells nothing where ranks spin while they wait.
 */
export const PaceSchema = z.object({
  rank: z.number().int().nullable().describe('Global rank that waited least for others; null where nobody can tell.'),
  worked: share.describe('It used a processor.'),
  queued: share.describe('It could have gone on, and no processor was free.'),
  stuck: share.describe('It was stopped, or waited for a disk, as its state told at each look.'),
  typical: share.describe('All three together for the median rank of the host.'),
  spanMs: z.number().describe('Time that this is about, milliseconds.'),
});
export type Pace = z.infer<typeof PaceSchema>;

/** A host that the others wait for. */
export const SlowHostSchema = z.object({
  host: z.string().describe('Host whose ranks were looked at.'),
  rank: z.number().int().nullable().describe('Global rank; null: not known which.'),
  sentence: z.string().describe('What shows it, in numbers; at most 240 characters.'),
});
export type SlowHost = z.infer<typeof SlowHostSchema>;

/** `pace.json` beside the logs of an attempt's ranks: what they did last, for when they are gone. */
export const PaceFileSchema = z.looseObject({
  v: z.literal(1),
  at: z.string().describe('When the last look was, by the clock of the host, RFC 3339.'),
  pace: PaceSchema.describe('What its ranks did with their time.'),
});
export type PaceFile = z.infer<typeof PaceFileSchema>;
