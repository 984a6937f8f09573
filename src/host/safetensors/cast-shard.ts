import { randomUUID } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { TemperError } from '../../domain/errors.js';
import type { TensorDtype } from '../../schemas/model-files.js';
import { roundToBf16 } from './bf16.js';
import { readSafetensorsHeader, type StoredTensor } from './header.js';

/** What a tensor is to become, by its name. */
export type WantedDtype = (name: string) => TensorDtype;

/**
 * Writes a shard anew with other number formats: F32 becomes BF16 where that is wanted, everything else keeps its bytes.
 * Memory stays at some tens of MB whatever the size of a tensor; the file appears by rename when it is on disk.
 * Returns the bytes of tensor data that were written.
 */
export async function castShard(source: string, target: string, wanted: WantedDtype): Promise<number> {
  const { tensors, metadata, dataStart } = await readSafetensorsHeader(source);
  const inOrder = [...tensors].toSorted(([, left], [, right]) => left.offsets[0] - right.offsets[0]);
  const plan = layOut(inOrder, wanted);
  const temp = join(dirname(target), `.${basename(target)}.${randomUUID()}.tmp`);
  const input = await open(source, 'r');
  try {
    const output = await open(temp, 'wx', 0o644);
    try {
      const header = encodeHeader(plan, metadata);
      await output.write(header, 0, header.length, 0);
      for (const part of plan) await writeTensor(input, output, part, dataStart, header.length);
      await output.sync();
    } finally {
      await output.close();
    }
    await rename(temp, target);
  } catch (error) {
    await rm(temp, { force: true });
    throw error;
  } finally {
    await input.close();
  }
  return plan.at(-1)?.to[1] ?? 0;
}

/** One tensor on its way: where it lies in the old file, and where in the new one. */
interface Part {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: TensorDtype;
  readonly isCast: boolean;
  readonly from: readonly [start: number, end: number];
  readonly to: readonly [start: number, end: number];
}

function layOut(tensors: readonly (readonly [string, StoredTensor])[], wanted: WantedDtype): Part[] {
  let at = 0;
  return tensors.map(([name, { dtype, shape, offsets }]) => {
    const isCast = dtype === 'F32' && wanted(name) === 'BF16';
    const bytes = (offsets[1] - offsets[0]) / (isCast ? 2 : 1);
    const start = at;
    at += bytes;
    return { name, shape, dtype: isCast ? 'BF16' : dtype, isCast, from: offsets, to: [start, at] };
  });
}

function encodeHeader(plan: readonly Part[], metadata: Readonly<Record<string, string>>): Buffer {
  const entries = plan.map(({ name, shape, dtype, to }) => [name, { dtype, shape, data_offsets: to }] as const);
  const text = Buffer.from(JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) }), 'utf8');
  // Data begins at a multiple of 8, so that a reader can map it; spaces behind the JSON are allowed for that.
  const header = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8, 0x20);
  header.writeBigUInt64LE(BigInt(header.length - 8), 0);
  text.copy(header, 8);
  return header;
}

/** Bytes read at once: large enough for a network file system, small enough to hold three of them. */
const CHUNK_BYTES = 8 << 20;

/** While one chunk is cast and written, the next one is read. */
async function writeTensor(
  input: FileHandle,
  output: FileHandle,
  part: Part,
  dataStart: number,
  headerBytes: number,
): Promise<void> {
  const [start, end] = part.from;
  const read = (position: number): Promise<Buffer> =>
    readExactly(input, dataStart + position, Math.min(CHUNK_BYTES, end - position));
  let writing: Promise<void> = Promise.resolve();
  let next = start < end ? read(start) : null;
  for (let position = start; next !== null; position += CHUNK_BYTES) {
    // Both are waited for together, so that neither fails unseen.
    const [bytes] = await Promise.all([next, writing]);
    next = position + CHUNK_BYTES < end ? read(position + CHUNK_BYTES) : null;
    const at = headerBytes + part.to[0] + (position - start) / (part.isCast ? 2 : 1);
    writing = writeExactly(output, part.isCast ? narrow(bytes) : bytes, at);
    // Waited for in the next round; a failure until then must not count as unhandled.
    writing.catch(() => undefined);
    next?.catch(() => undefined);
  }
  await writing;
}

/** Bytes are in the order of the machine, which is little endian like the files wherever Node runs beside torch. */
function narrow(bytes: Buffer): Buffer {
  const wide = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const result = new Uint16Array(wide.length);
  roundToBf16(wide, result);
  return Buffer.from(result.buffer);
}

async function readExactly(file: FileHandle, position: number, length: number): Promise<Buffer> {
  // Not from the pool: the bytes are seen as numbers, which have to begin at a multiple of four.
  const buffer = Buffer.from(new ArrayBuffer(length));
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(buffer, done, length - done, position + done);
    if (bytesRead === 0)
      throw new TemperError('ProofFailed', { what: `a shard ends at byte ${position + done} while it is read` });
    done += bytesRead;
  }
  return buffer;
}

async function writeExactly(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}
