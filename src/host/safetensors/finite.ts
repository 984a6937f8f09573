import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { TensorDtype } from '../../schemas/model-files.js';
import type { ModelFolder } from './model-folder.js';
import { elementsOf, readElements } from './read-elements.js';

/** Elements read at once: a sound tensor needs the first few of them only. */
const CHUNK_ELEMENTS = 1 << 16;

/** The 16 bits of an element that hold its exponent, and the exponent of what is no finite number. */
const EXPONENTS: Partial<Record<TensorDtype, { readonly bytes: number; readonly mask: number }>> = {
  BF16: { bytes: 2, mask: 0x7f_80 },
  F16: { bytes: 2, mask: 0x7c_00 },
  F32: { bytes: 4, mask: 0x7f_80 },
  F64: { bytes: 8, mask: 0x7f_f0 },
};

/** Whether a tensor holds numbers and none of them is finite: it is NaN or infinite throughout. */
export async function isNowhereFinite(folder: ModelFolder, name: string): Promise<boolean> {
  const tensor = folder.tensors.get(name);
  const exponent = tensor === undefined ? undefined : EXPONENTS[tensor.dtype];
  if (tensor === undefined || exponent === undefined) return false;
  const elements = elementsOf(tensor);
  if (elements === 0) return false;
  const file = await open(join(folder.dir, tensor.shard), 'r');
  try {
    for (let start = 0; start < elements; start += CHUNK_ELEMENTS) {
      const bytes = await readElements({ file, tensor }, start, Math.min(CHUNK_ELEMENTS, elements - start));
      // Little endian: the exponent is in the last two bytes of an element.
      for (let end = exponent.bytes; end <= bytes.length; end += exponent.bytes) {
        if ((bytes.readUInt16LE(end - 2) & exponent.mask) !== exponent.mask) return false;
      }
    }
    return true;
  } finally {
    await file.close();
  }
}
