import type { FileHandle } from 'node:fs/promises';
import type { FileProblem, TensorDtype } from '../../schemas/model-files.js';
import { errorText } from '../../domain/text/error-text.js';
import { openRegular } from '../open-regular.js';
import { bytesPerElement, parseDtype } from './dtypes.js';
import { countNames, modelProblem } from './problems.js';
import { parseHeaderJson } from './header-json.js';
import { isObject } from './json-object.js';

/** Where and how one tensor is stored; `offsets` are start and end in bytes, counted from the end of the header. */
export interface StoredTensor {
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  readonly offsets: readonly [start: number, end: number];
}

/** What one .safetensors file says about itself; without problems it is whole and every byte belongs to one tensor. */
export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Free texts of the writer, such as `{ format: 'pt' }`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Byte of the file at which tensor data starts. */
  readonly dataStart: number;
  readonly fileBytes: number;
  readonly problems: readonly FileProblem[];
}

/** Reads and checks the header of a .safetensors file; never its data. Damage is told as problems. */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  let file: FileHandle;
  try {
    file = await openRegular(path);
  } catch (error) {
    return unreadable(modelProblem('file-unreadable', path, errorText(error)));
  }
  try {
    return await readHeader(file, path);
  } catch (error) {
    return unreadable(modelProblem('file-unreadable', path, errorText(error)));
  } finally {
    await file.close();
  }
}

/** The format's own limit; longer ones are damage, and would be read into memory. */
const MAX_HEADER_BYTES = 100_000_000;
const LENGTH_BYTES = 8;

async function readHeader(file: FileHandle, path: string): Promise<SafetensorsHeader> {
  const { size: fileBytes } = await file.stat();
  const damaged = (what: string): SafetensorsHeader => ({
    ...unreadable(modelProblem('header-damaged', path, what)),
    fileBytes,
  });
  if (fileBytes < LENGTH_BYTES) return damaged(`${fileBytes} bytes are too few for a header`);
  const headerBytes = (await readExactly(file, 0, LENGTH_BYTES)).readBigUInt64LE();
  if (headerBytes > MAX_HEADER_BYTES) return damaged(`a header of ${headerBytes} bytes`);
  const dataStart = LENGTH_BYTES + Number(headerBytes);
  if (dataStart > fileBytes) return damaged(`a header of ${headerBytes} bytes in a file of ${fileBytes}`);
  const json = parseHeaderJson(await readExactly(file, LENGTH_BYTES, Number(headerBytes)));
  if (json.wrong !== null) return damaged(json.wrong);
  const metadata = parseTexts(json.value['__metadata__'] ?? {});
  if (metadata === null) return damaged('its __metadata__ is no object of texts');
  const { tensors, problems } = parseTensors(json.value, path);
  return {
    tensors,
    metadata,
    dataStart,
    fileBytes,
    problems: [...problems, ...findSpaceErrors(tensors, path, fileBytes - dataStart)],
  };
}

function parseTensors(
  header: Readonly<Record<string, unknown>>,
  path: string,
): Pick<SafetensorsHeader, 'problems'> & { readonly tensors: Map<string, StoredTensor> } {
  const tensors = new Map<string, StoredTensor>();
  const invalid: string[] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const tensor = parseTensor(entry);
    if (typeof tensor === 'string') invalid.push(`${name}: ${tensor}`);
    else tensors.set(name, tensor);
  }
  const problems = invalid.length === 0 ? [] : [modelProblem('tensor-invalid', path, countNames(invalid))];
  return { tensors, problems };
}

/** The tensor of a header entry, or what is wrong with it. */
function parseTensor(entry: unknown): StoredTensor | string {
  if (!isObject(entry)) return 'its entry is not an object';
  const dtype = parseDtype(entry['dtype']);
  if (dtype === null) return `unknown dtype ${JSON.stringify(entry['dtype'])}`;
  const { shape, data_offsets: offsets } = entry;
  if (!isCounts(shape)) return `its shape is ${JSON.stringify(shape)}`;
  if (!isCounts(offsets) || offsets.length !== 2) return `its data_offsets are ${JSON.stringify(offsets)}`;
  const [start = 0, end = 0] = offsets;
  if (overflows(shape)) return `its shape is ${JSON.stringify(shape)}, more elements than 64 bits count`;
  const bytes = shape.reduce((product, size) => product * size, bytesPerElement(dtype));
  if (end - start !== bytes)
    return `${dtype} [${shape.join(', ')}] takes ${bytes} bytes, its offsets span ${end - start}`;
  return { dtype, shape, offsets: [start, end] };
}

function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

/** Whether the product passes 64 bits on the way, even if a 0 comes after it: readers multiply in this order. */
function overflows(shape: readonly number[]): boolean {
  let product = 1n;
  for (const size of shape) {
    product *= BigInt(size);
    if (product >= 1n << 64n) return true;
  }
  return false;
}

function parseTexts(value: unknown): Readonly<Record<string, string>> | null {
  if (!isObject(value)) return null;
  const texts = Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return texts.length === Object.keys(value).length ? Object.fromEntries(texts) : null;
}

/** Tensors must fill the data exactly: no gap, no overlap, no rest. */
function findSpaceErrors(
  tensors: ReadonlyMap<string, StoredTensor>,
  path: string,
  dataBytes: number,
): readonly FileProblem[] {
  const sorted = [...tensors].toSorted(
    ([, left], [, right]) => left.offsets[0] - right.offsets[0] || left.offsets[1] - right.offsets[1],
  );
  let end = 0;
  for (const [name, { offsets }] of sorted) {
    if (offsets[0] !== end) {
      const kind = offsets[0] < end ? 'an overlap' : 'a gap';
      return [
        modelProblem(
          'tensor-invalid',
          path,
          `${name} starts at data byte ${offsets[0]}, after an end at ${end}: ${kind}`,
        ),
      ];
    }
    end = offsets[1];
  }
  if (end === dataBytes) return [];
  return [modelProblem('size-wrong', path, `${dataBytes} bytes of data are there, its tensors take ${end}`)];
}

async function readExactly(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  if (bytesRead < length) throw new Error(`it ends at byte ${position + bytesRead} while it is read`);
  return buffer;
}

function unreadable(problem: FileProblem): SafetensorsHeader {
  return { tensors: new Map(), metadata: {}, dataStart: 0, fileBytes: 0, problems: [problem] };
}
