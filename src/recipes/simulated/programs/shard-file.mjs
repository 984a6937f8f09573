import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { readPickle } from './pickle-reader.mjs';
import { PythonError } from './program-errors.mjs';
import { fromBfloat16, toFloat32 } from './bfloat16.mjs';
import { readZipRecord, saveObject, saveTensor } from './torch-zip.mjs';

/**
 * What goes into a shard: a chunk of a tensor, or any other value.
 * @typedef {{ path: readonly (string | number)[], dtype: import('./torch-zip.mjs').Dtype, size: readonly number[],
 *   start: readonly number[], extent: readonly number[], elements: Buffer }} TensorItem
 * @typedef {{ path: readonly (string | number)[], value: unknown }} ObjectItem
 */

/** A slow disk is imitated by pauses between this many parts of a shard. */
const PARTS = 8;

/**
 * Writes a shard file, item after item, and says where each lies.
 * @param {string} folder
 * @param {number} rank
 * @param {readonly (TensorItem | ObjectItem)[]} items
 * @param {{ durationMs?: number, beforePart?: (part: number, of: number) => Promise<void> }} [pace] how long the
 *   write takes at least, and what happens before each of its parts
 * @returns {Promise<import('./dcp-metadata.mjs').StoredPiece[]>}
 */
export async function writeShard(folder, rank, items, { durationMs = 0, beforePart = async () => undefined } = {}) {
  const name = `__${rank}_0.distcp`;
  const archives = items.map((item) =>
    'value' in item ? saveObject(item.value) : saveTensor(item.dtype, item.extent, item.elements),
  );
  const content = Buffer.concat(archives);
  const file = await open(`${folder}/${name}`, 'w');
  try {
    const partBytes = Math.max(1, Math.ceil(content.length / PARTS));
    for (let part = 0; part < PARTS; part += 1) {
      await beforePart(part, PARTS);
      await file.write(content.subarray(part * partBytes, (part + 1) * partBytes));
      if (durationMs > 0) await sleep(durationMs / PARTS);
    }
  } finally {
    await file.close();
  }
  let offset = 0;
  return items.map((item, index) => {
    const { length } = archives[index];
    offset += length;
    const place = { file: name, offset: offset - length, length };
    if ('value' in item) return { path: item.path, dtype: null, size: [], start: [], extent: [], ...place };
    const { path, dtype, size, start, extent } = item;
    return { path, dtype, size, start, extent, ...place };
  });
}

/** Reads stored pieces of a checkpoint folder; files stay open until `close`. */
export class ShardReader {
  /** @param {string} folder */
  constructor(folder) {
    this.folder = folder;
    this.files = new Map();
  }

  /**
   * The rows `start` to `end` of a tensor as 32-bit floats, from whichever chunks hold them.
   * @param {readonly import('./dcp-metadata.mjs').StoredPiece[]} pieces all chunks of the tensor
   * @param {number} start
   * @param {number} end
   */
  async rows(pieces, start, end) {
    const width = pieces[0].size.slice(1).reduce((product, size) => product * size, 1);
    const rows = new Float32Array((end - start) * width);
    for (const piece of pieces) {
      const [first = 0] = piece.start;
      const [count = 1] = piece.extent;
      const [from, to] = [Math.max(start, first), Math.min(end, first + count)];
      if (from >= to) continue;
      const elements = readZipRecord(await this.read(piece), 'data/0');
      const values = piece.dtype === 'BF16' ? fromBfloat16(elements) : toFloat32(elements);
      rows.set(values.subarray((from - first) * width, (to - first) * width), (from - start) * width);
    }
    return rows;
  }

  /**
   * A pickled object.
   * @param {import('./dcp-metadata.mjs').StoredPiece} piece
   */
  async object(piece) {
    return readPickle(readZipRecord(await this.read(piece), 'data.pkl'));
  }

  async close() {
    for (const file of this.files.values()) await file.close();
  }

  async read({ file: name, offset, length }) {
    const file = this.files.get(name) ?? (await this.open(name));
    const bytes = Buffer.alloc(length);
    const { bytesRead } = await file.read(bytes, 0, length, offset);
    if (bytesRead < length) {
      throw new PythonError(
        'RuntimeError',
        'PytorchStreamReader failed reading zip archive: failed finding central directory',
      );
    }
    return bytes;
  }

  async open(name) {
    const path = `${this.folder}/${name}`;
    try {
      const file = await open(path, 'r');
      this.files.set(name, file);
      return file;
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
      throw new PythonError('FileNotFoundError', `[Errno 2] No such file or directory: '${path}'`);
    }
  }
}
