import { resolve } from 'node:path';
import { EXIT, TemperError } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { castLike, tellDtype } from '../../host/safetensors/cast.js';
import type { CommandContext } from '../context.js';
import { tellWriteProgress } from '../write-progress.js';

/** Options of `temper model cast`. */
export interface ModelCastFlags {
  readonly like?: string;
  readonly dtype: 'bf16' | 'f32';
  readonly output?: string;
  readonly removeSource?: boolean;
}

/** `temper model cast`: each tensor in the number format of the original (bf16), or a configuration that tells F32. */
export async function modelCast(
  { output, io }: CommandContext,
  dir: string,
  { like, dtype, output: target, removeSource }: ModelCastFlags,
): Promise<ExitStatus> {
  const source = resolve(io.cwd, dir);
  if (dtype === 'f32') {
    await tellDtype(source, 'float32');
    output.result({ v: 1, output: dir, dtype }, () => `${dir}: config.json says float32`);
    return EXIT.ok;
  }
  if (like === undefined || target === undefined) {
    throw new TemperError('UsageInvalid', { what: 'bf16 needs --like ORIGINAL and --output FOLDER' });
  }
  const progress = tellWriteProgress(output, 'cast');
  const done = await castLike({
    source,
    like: resolve(io.cwd, like),
    output: resolve(io.cwd, target),
    isSourceRemoved: removeSource ?? false,
    onProgress: progress.tell,
  });
  progress.end();
  output.result(
    { v: 1, output: target, dtype, ...done },
    () => `${target}: ${done.rounded} of ${done.tensors} tensors rounded`,
  );
  return EXIT.ok;
}
