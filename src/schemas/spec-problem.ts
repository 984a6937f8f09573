import { z } from 'zod';

/** One thing that is wrong or risky in a spec, with its place in the file. */
export const SpecProblemSchema = z.object({
  id: z.string().describe('Rule that it breaks: schema/…, yaml/…, text/…, a cross-field rule or a lint of the recipe.'),
  severity: z.enum(['error', 'warning']).describe('An error stops the run; a warning is only told.'),
  isAccepted: z.boolean().optional().describe('True for an error that the spec accepts by this id.'),
  file: z.string().describe('File as it was named on the command line.'),
  line: z.int().min(1).describe('Line in the file, from 1.'),
  col: z.int().min(1).describe('Column in the line, from 1.'),
  path: z.string().describe('Field, with dots: data.0.maxSamples; empty for the whole file.'),
  what: z.string().describe('What is wrong, with the offending value.'),
  why: z.string().describe('Why it is wrong or what it would lead to.'),
  fix: z.string().describe('What to write instead.'),
});
export type SpecProblem = z.infer<typeof SpecProblemSchema>;

/** What `temper validate -o json` prints. */
export const SpecReportSchema = z.looseObject({
  v: z.literal(1).describe('Major version of this format.'),
  file: z.string().describe('File that was checked.'),
  ok: z.boolean().describe('True when there is no error; warnings and what is accepted do not count.'),
  problems: z.array(SpecProblemSchema).describe('All problems in the order of the file.'),
});
export type SpecReport = z.infer<typeof SpecReportSchema>;
