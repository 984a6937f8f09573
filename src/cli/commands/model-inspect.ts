import { resolve } from 'node:path';
import { EXIT } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { writeJsonFile } from '../../host/json-file.js';
import { inspectModel } from '../../host/safetensors/inspect.js';
import type { CommandContext } from '../context.js';
import { wishOf, type WishFlags } from '../model-wish.js';
import { showBytes } from '../../domain/text/show-bytes.js';

/** `temper model inspect`: whether a model folder is whole, and how large it is. */
export async function modelInspect(
  { output, io }: CommandContext,
  dir: string,
  flags: WishFlags & { readonly report?: string },
): Promise<ExitStatus> {
  const { report: file } = flags;
  const report = await inspectModel(resolve(io.cwd, dir), wishOf(flags));
  if (file !== undefined) await writeJsonFile(resolve(io.cwd, file), report);
  const { tensors, bytes, shards, layers } = report;
  output.result(
    report,
    () =>
      `${dir}: whole, ${tensors} tensors in ${shards} files, ${showBytes(bytes)}, ${layers ?? 'unknown'} text layers`,
  );
  return EXIT.ok;
}
