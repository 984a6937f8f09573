import { z } from 'zod';
import { NameSchema, PathSchema, patternText } from './units.js';

const Sha256Schema = patternText(
  /^[0-9a-f]{64}$/,
  'a sha256 has 64 lower-case hex digits',
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
).optional();

const AnnotationsSchema = PathSchema.describe(
  'JSON file with the rows: a path, hf-dataset:OWNER/NAME[@REVISION]/FILE, modelscope-dataset:OWNER/NAME[@REVISION]/FILE, or an http(s) address.',
);

const AnnotationsSha256Schema = Sha256Schema.describe(
  'sha256 that annotations from an address must have; without it size and ETag are recorded only.',
);

const ImagesSchema = z.strictObject({
  path: PathSchema.optional().describe('Folder of the image files; image names in the rows are relative to it.'),
  zip: PathSchema.optional().describe(
    'Archive of the image files, unpacked entry by entry: a path, a file of a hub data set, or an http(s) address.',
  ),
  zipSha256: Sha256Schema.describe('sha256 that the archive must have; without it its entries have only their CRC.'),
  hub: PathSchema.optional().describe(
    'Folder of a hub data set with the image files: hf-dataset:OWNER/NAME[@REVISION]/FOLDER or modelscope-dataset:….',
  ),
});

const MaxDroppedSchema = patternText(
  /^(100(\.0+)?|\d{1,2}(\.\d{1,6})?)%$/,
  'a share is a percentage from 0% to 100%',
  '0.1%',
)
  .default('0.1%')
  .describe('Share of rows that may be dropped (missing image, broken row) before the stage fails.');

const MaxSamplesSchema = z
  .int()
  .min(1)
  .max(1_000_000_000)
  .optional()
  .describe('Use only the first N rows; such a run is marked trial and never promoted.');

const LlavaSchema = z.strictObject({
  name: NameSchema.describe('Name of the data set, unique in the spec.'),
  format: z.literal('llava').describe('LLaVA-style rows (conversations with from and value, optional image).'),
  annotations: AnnotationsSchema,
  annotationsSha256: AnnotationsSha256Schema,
  images: ImagesSchema.optional().describe('Where the images are; absent for text-only rows.'),
  maxDropped: MaxDroppedSchema,
  maxSamples: MaxSamplesSchema,
});

const MllmSchema = z.strictObject({
  name: NameSchema.describe('Name of the data set, unique in the spec.'),
  format: z
    .literal('mllm')
    .describe('Ready rows (messages with role and content, images as a list); checked, not converted.'),
  annotations: AnnotationsSchema,
  annotationsSha256: AnnotationsSha256Schema,
  images: ImagesSchema.optional().describe('Where the images are; absent for text-only rows.'),
  maxSamples: MaxSamplesSchema,
});

const SyntheticSchema = z.strictObject({
  name: NameSchema.describe('Name of the data set, unique in the spec.'),
  format: z.literal('synthetic').describe('Rows and images made by the recipe from a seed (cpu-tiny only).'),
  rows: z.int().min(16).max(100_000).describe('Training rows to make.'),
  heldOutRows: z.int().min(0).max(1_000).default(50).describe('Questions kept aside for the answers before and after.'),
  seed: z.int().min(0).max(999_999_999).default(7).describe('Seed of the rows and images.'),
});

/** One data set of the spec; `format` decides which other keys it has. */
export const DataSourceSchema = z.discriminatedUnion('format', [LlavaSchema, MllmSchema, SyntheticSchema]);
export type DataSource = z.infer<typeof DataSourceSchema>;
