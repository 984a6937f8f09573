import { z } from 'zod';

/** `preparation.json` in a host's folder of an attempt: how long its ranks took to prepare the rows. */
export const PreparationSchema = z.looseObject({
  v: z.literal(1),
  rows: z.number().int().describe('Rows that were prepared.'),
  ms: z.number().describe('To the second, as the log tells it.'),
});
export type Preparation = z.infer<typeof PreparationSchema>;
