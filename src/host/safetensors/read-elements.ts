import type { FileHandle } from 'node:fs/promises';
import type { ModelTensor } from './model-folder.js';

/** A tensor and the open file that holds it. */
export interface OpenTensor {
  readonly file: FileHandle;
  readonly tensor: ModelTensor;
}

/** How many elements a tensor of this shape has. */
export function elementsOf({ shape }: Pick<ModelTensor, 'shape'>): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Bytes of some elements of a tensor. */
export async function readElements({ file, tensor }: OpenTensor, start: number, count: number): Promise<Buffer> {
  const bytesPerElement = (tensor.offsets[1] - tensor.offsets[0]) / elementsOf(tensor);
  const buffer = Buffer.alloc(count * bytesPerElement);
  const position = tensor.dataStart + tensor.offsets[0] + start * bytesPerElement;
  const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
  // The header was checked against the file's size, so a short read means that the file shrank meanwhile.
  if (bytesRead < buffer.length)
    throw new Error(`${tensor.shard} ends at byte ${position + bytesRead} while it is read`);
  return buffer;
}
