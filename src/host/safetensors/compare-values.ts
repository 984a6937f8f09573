import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileProblem } from '../../schemas/model-files.js';
import { mapBounded } from '../../domain/map-bounded.js';
import type { ModelFolder, ModelTensor } from './model-folder.js';
import { isNowhereFinite } from './finite.js';
import { countNames, modelProblem } from './problems.js';
import { elementsOf, readElements, type OpenTensor } from './read-elements.js';

/** What tensor values are compared for. */
export interface ValueRules {
  /** Texts in the names of tensors that training must not have changed. */
  readonly frozen: readonly string[];
  /** Whether all other tensors may be equal too: after a cast, small steps of training can be rounded away. */
  readonly mayBeEqual: boolean;
}

/**
 * Compares tensor values of two folders with equal names and shapes: those whose name holds one of the `frozen` texts
 * must be equal bit for bit (after widening, where one is BF16 and the other F32), at least one other must differ, and
 * none may have become NaN or infinite throughout.
 * Memory stays at a few MiB whatever the size of the tensors.
 */
export async function compareValues(
  original: ModelFolder,
  exported: ModelFolder,
  { frozen, mayBeEqual }: ValueRules,
): Promise<readonly FileProblem[]> {
  const names = [...original.tensors.keys()];
  const isFrozen = (name: string): boolean => frozen.some((text) => name.includes(text));
  const absent = frozen.filter((text) => !names.some((name) => name.includes(text)));
  const frozenNames = names.filter(isFrozen);
  const results = await mapBounded(frozenNames, TENSORS_IN_FLIGHT, (name) => areEqual(original, exported, name));
  const changed = frozenNames.filter((_, index) => results[index] !== true);
  const trainable = names.filter((name) => !isFrozen(name));
  const isTrained = mayBeEqual || (await anyDiffers(original, exported, trainable));
  const broken = await notFinite(original, exported, names);
  return [
    ...absent.map((text) =>
      modelProblem('frozen-absent', original.dir, `no tensor name holds ${JSON.stringify(text)}`),
    ),
    ...(changed.length === 0 ? [] : [modelProblem('frozen-changed', exported.dir, `changed ${countNames(changed)}`)]),
    ...(broken.length === 0
      ? []
      : [modelProblem('not-finite', exported.dir, `nothing but NaN or infinity in ${countNames(broken)}`)]),
    ...(isTrained
      ? []
      : [
          modelProblem(
            'nothing-trained',
            exported.dir,
            `nothing was trained: all ${trainable.length} tensors that may differ are equal`,
          ),
        ]),
  ];
}

/** Node works on four file requests at once, and each tensor reads two files. */
const TENSORS_IN_FLIGHT = 2;

/** Elements compared per read. */
const CHUNK_ELEMENTS = 1 << 19;

/** Names of tensors that hold no finite number any more; one of the original that never did is as it should be. */
async function notFinite(original: ModelFolder, exported: ModelFolder, names: readonly string[]): Promise<string[]> {
  const results = await mapBounded(
    [...names],
    TENSORS_IN_FLIGHT,
    async (name) => (await isNowhereFinite(exported, name)) && !(await isNowhereFinite(original, name)),
  );
  return names.filter((_, index) => results[index] === true);
}

async function anyDiffers(original: ModelFolder, exported: ModelFolder, names: readonly string[]): Promise<boolean> {
  for (const name of names) {
    if (!(await areEqual(original, exported, name))) return true;
  }
  return false;
}

async function areEqual(original: ModelFolder, exported: ModelFolder, name: string): Promise<boolean> {
  const left = original.tensors.get(name);
  const right = exported.tensors.get(name);
  if (left === undefined || right === undefined) return false;
  const leftFile = await open(join(original.dir, left.shard), 'r');
  try {
    const rightFile = await open(join(exported.dir, right.shard), 'r');
    try {
      return await areSidesEqual({ file: leftFile, tensor: left }, { file: rightFile, tensor: right });
    } finally {
      await rightFile.close();
    }
  } finally {
    await leftFile.close();
  }
}

async function areSidesEqual(left: OpenTensor, right: OpenTensor): Promise<boolean> {
  const elements = elementsOf(left.tensor);
  for (let start = 0; start < elements; start += CHUNK_ELEMENTS) {
    const count = Math.min(CHUNK_ELEMENTS, elements - start);
    const [leftBytes, rightBytes] = await Promise.all([
      readElements(left, start, count),
      readElements(right, start, count),
    ]);
    const isSame = left.tensor.dtype === right.tensor.dtype;
    const wideLeft = isSame ? leftBytes : widen(leftBytes, left.tensor);
    const wideRight = isSame ? rightBytes : widen(rightBytes, right.tensor);
    if (!wideLeft.equals(wideRight)) return false;
  }
  return true;
}

/**
 * BF16 is the upper half of an F32: widening shifts its bits up. Other types stay as they are. Bytes are in the order of
 * the machine, which is little endian like the files wherever Node 20 runs beside torch.
 */
function widen(bytes: Buffer, tensor: ModelTensor): Buffer {
  if (tensor.dtype !== 'BF16') return bytes;
  const narrow = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  const wide = new Uint32Array(narrow.length);
  for (const [index, bits] of narrow.entries()) wide[index] = bits << 16;
  return Buffer.from(wide.buffer);
}
