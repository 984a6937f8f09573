import { resolve } from 'node:path';
import { EXIT } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { reduceLayers } from '../../host/safetensors/reduce-layers.js';
import type { CommandContext } from '../context.js';
import { tellWriteProgress } from '../write-progress.js';

/** Options of `temper model reduce`. */
export interface ModelReduceFlags {
  readonly layers: number;
  readonly output: string;
  readonly prefix: string;
  readonly section: string;
}

/** `temper model reduce`: a smaller model for debugging, whose configuration and tensors agree. */
export async function modelReduce(
  { output, io }: CommandContext,
  dir: string,
  { layers, output: target, prefix, section }: ModelReduceFlags,
): Promise<ExitStatus> {
  const progress = tellWriteProgress(output, 'reduce');
  const done = await reduceLayers({
    source: resolve(io.cwd, dir),
    output: resolve(io.cwd, target),
    ...{ layers, prefix, section, onProgress: progress.tell },
  });
  progress.end();
  output.result(
    { v: 1, output: target, ...done },
    () =>
      `${target}: ${done.layers} of ${done.originalLayers} layers, ${done.tensors} tensors, ${done.dropped} left out`,
  );
  return EXIT.ok;
}
