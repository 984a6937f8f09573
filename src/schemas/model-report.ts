import { z } from 'zod';

/** What `temper model inspect` tells about a model folder, from its headers and its configuration. */
export const ModelReportSchema = z.looseObject({
  v: z.literal(1),
  bytes: z.number().describe('Bytes of tensor data.'),
  tensors: z.number().describe('Number of tensors.'),
  shards: z.number().describe('Number of files with tensors.'),
  layers: z.number().nullable().describe('Text layers of its configuration; null when it names none.'),
  modelType: z.string().nullable().describe('model_type of its configuration.'),
});
export type ModelReport = z.infer<typeof ModelReportSchema>;
