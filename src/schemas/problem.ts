import { z } from 'zod';

/** An error as data: what happened, where, why, what fixes it, and whether waiting may help. */
export const ProblemSchema = z.object({
  code: z.string().describe('Row of the error catalogue.'),
  what: z.string().describe('What is wrong, with the offending value.'),
  where: z.string().optional().describe('File, line, host, stage or field.'),
  why: z.string().optional().describe('Why it is wrong or what it leads to.'),
  fix: z.string().describe('What to do about it.'),
  retryable: z.boolean().describe('Whether the same call may succeed later unchanged.'),
  evidence: z.array(z.string()).optional().describe('Log lines that show it, oldest first.'),
});
export type Problem = z.infer<typeof ProblemSchema>;
