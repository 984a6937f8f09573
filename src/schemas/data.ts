import { z } from 'zod';

/** How bad a data problem is: an error refuses the data set, a warning is only told. */
export const DataSeveritySchema = z
  .enum(['error', 'warning'])
  .describe('error refuses the data set; warning is only told');
export type DataSeverity = z.infer<typeof DataSeveritySchema>;

/** One place where a data problem was seen. */
export const DataExampleSchema = z.object({
  row: z
    .number()
    .int()
    .nonnegative()
    .nullable()
    .describe('Index of the row in the JSON array, from 0; null when the problem belongs to the file'),
  where: z.string().describe('Place inside the row or file, such as messages[1].role or byte 4096'),
  what: z.string().describe('What stands there, with the offending value (shortened)'),
});
export type DataExample = z.infer<typeof DataExampleSchema>;

/** All findings of one rule in one file. */
export const DataProblemSchema = z.object({
  id: z.string().describe('Rule id, such as data/role-order'),
  severity: DataSeveritySchema,
  count: z.number().int().positive().describe('Findings of this rule; a row may hold several'),
  examples: z.array(DataExampleSchema).describe('The first findings, at most five'),
  why: z.string().describe('What training would do with such data'),
  fix: z.string().describe('What to change'),
});
export type DataProblem = z.infer<typeof DataProblemSchema>;

/** How far a conversion or a check has come. */
export const DataProgressSchema = z.object({
  bytesRead: z.number().int().nonnegative().describe('Bytes of the input read so far'),
  bytesTotal: z.number().int().nonnegative().describe('Size of the input in bytes when it was opened'),
  rows: z.number().int().nonnegative().describe('Rows handled so far'),
});
export type DataProgress = z.infer<typeof DataProgressSchema>;

/** Formats that can be converted to MLLM rows; `mllm` lays ready rows out anew, with the same text. */
export const DataFormatSchema = z.enum(['llava', 'mllm']).describe('Format of the input');
export type DataFormat = z.infer<typeof DataFormatSchema>;

/** What `temper data convert` reports. */
export const DataConvertReportSchema = z.object({
  v: z.literal(1).describe('Major version of this report'),
  format: DataFormatSchema,
  annotations: z.string().describe('Input file'),
  images: z
    .string()
    .nullable()
    .describe('Folder that image names of the input are relative to; null when none was given'),
  output: z.string().describe('MLLM file that was written'),
  rows: z.number().int().nonnegative().describe('Rows of the input'),
  kept: z.number().int().nonnegative().describe('Rows written to the output'),
  textOnly: z.number().int().nonnegative().describe('Kept rows without an image'),
  dropped: z.number().int().nonnegative().describe('Rows left out; each is counted once, in droppedBy'),
  droppedBy: z.array(DataProblemSchema).describe('Dropped rows by the first rule that each of them broke'),
  bytesRead: z.number().int().nonnegative().describe('Size of the input in bytes'),
  bytesWritten: z.number().int().nonnegative().describe('Size of the output in bytes'),
  elapsedMs: z.number().nonnegative().describe('Wall time in milliseconds'),
});
export type DataConvertReport = z.infer<typeof DataConvertReportSchema>;

/** Rows without an image that follow each other. */
export const TextRunSchema = z
  .object({
    start: z.number().int().nonnegative().describe('Index of the first of the rows, from 0'),
    end: z.number().int().positive().describe('Index of the row after the last of them'),
  })
  .describe('Rows without an image that follow each other');
export type TextRun = z.infer<typeof TextRunSchema>;

/** What `temper data check` reports. */
export const DataCheckReportSchema = z.object({
  v: z.literal(1).describe('Major version of this report'),
  ok: z.boolean().describe('True when no error was found; warnings do not count'),
  file: z.string().describe('MLLM file that was checked'),
  images: z
    .string()
    .nullable()
    .describe('Folder that image paths of the rows are relative to; null when none was given'),
  rows: z.number().int().nonnegative().describe('Rows read; fewer than the file holds when its JSON is broken'),
  validRows: z.number().int().nonnegative().describe('Rows without an error'),
  textOnly: z.number().int().nonnegative().describe('Valid rows without an image'),
  textRuns: z
    .array(TextRunSchema)
    .optional()
    .describe('Runs of rows without an image: those of 1000 rows and more, and those at the ends of the file'),
  distinctImages: z.number().int().nonnegative().describe('Different image paths that were looked at'),
  estimatedTokens: z
    .object({
      max: z.number().int().nonnegative().describe('Estimated tokens of the longest valid row'),
      mean: z.number().nonnegative().describe('Mean estimated tokens of the valid rows'),
    })
    .describe('Estimates from text length and image size; no tokenizer is run'),
  problems: z.array(DataProblemSchema).describe('Errors first, then by count'),
  bytesRead: z.number().int().nonnegative().describe('Bytes of the file that were read'),
  elapsedMs: z.number().nonnegative().describe('Wall time in milliseconds'),
});
export type DataCheckReport = z.infer<typeof DataCheckReportSchema>;
