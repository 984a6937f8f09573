import { z } from 'zod';

/** Element types of tensors, spelled as safetensors spells them; other formats are translated to these. */
export const TensorDtypeSchema = z
  .enum([
    'BOOL',
    'U8',
    'I8',
    'I16',
    'U16',
    'I32',
    'U32',
    'I64',
    'U64',
    'F8_E4M3',
    'F8_E5M2',
    'F16',
    'BF16',
    'F32',
    'F64',
    'C64',
    'C128',
  ])
  .describe('Element type of a tensor, in safetensors spelling.');
export type TensorDtype = z.infer<typeof TensorDtypeSchema>;

/** One thing that is wrong with a file on disk: the facts of an error, before anybody prints it. */
export const FileProblemSchema = z
  .object({
    id: z.string().describe('Stable id of the kind of problem, such as `shard-truncated`.'),
    where: z.string().describe('File or folder (and tensor, where one is meant) that the problem is in.'),
    what: z.string().describe('What was found, with the offending values.'),
    why: z.string().describe('What would go wrong if it were used anyway.'),
    fix: z.string().describe('What a person can do about it.'),
  })
  .readonly();
export type FileProblem = z.infer<typeof FileProblemSchema>;

/** What dtypes an export was asked to have: the original's own ones, or floats of 16 bits widened to 32. */
export const ExportDtypeSchema = z
  .enum(['bf16', 'f32'])
  .describe("`bf16`: exactly the original's dtypes. `f32`: every BF16 tensor as F32, all others unchanged.");
export type ExportDtype = z.infer<typeof ExportDtypeSchema>;

/** Answer of a comparison of an exported model folder with the one it was trained from. */
export const ModelComparisonSchema = z
  .object({
    v: z.literal(1).describe('Major version of this format.'),
    ok: z.boolean().describe('True when there are no problems.'),
    dtype: ExportDtypeSchema,
    isDeep: z.boolean().describe('True when tensor values were compared, not only headers.'),
    tensors: z.number().int().describe('Number of tensors in the exported folder.'),
    bytes: z.number().int().describe('Bytes of tensor data in the exported folder.'),
    problems: z.array(FileProblemSchema).readonly().describe('Everything that is wrong; empty when ok.'),
  })
  .readonly();
export type ModelComparison = z.infer<typeof ModelComparisonSchema>;
