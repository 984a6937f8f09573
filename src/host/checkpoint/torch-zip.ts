import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';

/** Why one stored item cannot be loaded. */
export class TorchZipError extends Error {
  override readonly name = 'TorchZipError';
}

/** A record inside one item of a shard; `headerOffset` counts from the start of the item, in bytes. */
export interface ZipRecord {
  readonly name: string;
  readonly headerOffset: number;
  readonly sizeBytes: number;
  /** Checksum of its content; 0 where torch was told to write none (`set_crc32_options(False)`). */
  readonly crc32: number;
}

/**
 * Lists the records of the zip archive that `torch.save` wrote at `offset` of a shard. Reads its first bytes and its
 * directory, no tensor data.
 *
 * @throws TorchZipError when signature, end record or directory do not fit `length` exactly.
 */
export async function readZipDirectory(
  file: FileHandle,
  offset: number,
  length: number,
): Promise<readonly ZipRecord[]> {
  if (length < END_BYTES) throw new TorchZipError(`${length} bytes are too few for a zip archive`);
  const first = await readExactly(file, offset, 4);
  if (first.readUInt32LE() !== LOCAL_HEADER) throw new TorchZipError('it does not start like a zip archive');
  const tailBytes = Math.min(length, END_BYTES + LOCATOR_BYTES + END64_BYTES);
  const tail = await readExactly(file, offset + length - tailBytes, tailBytes);
  const end = readEnd(tail, length);
  if (end.directoryOffset + end.directoryBytes > length) throw new TorchZipError('its directory lies outside of it');
  const directory = await readExactly(file, offset + end.directoryOffset, end.directoryBytes);
  const records = parseDirectory(directory, end.directoryOffset);
  if (records.length !== end.records)
    throw new TorchZipError(`its directory has ${records.length} of ${end.records} records`);
  checkNames(records);
  return records;
}

/** All records lie in one folder, and the loader looks for the first of these by name. */
function checkNames(records: readonly ZipRecord[]): void {
  const folder = records[0]?.name.split('/', 1)[0] ?? '';
  const odd = records.find(({ name }) => !name.startsWith(`${folder}/`) || !/^[\x21-\x7e]+$/.test(name));
  if (odd !== undefined) throw new TorchZipError(`record ${JSON.stringify(odd.name)} has no name that torch gives`);
  for (const name of ['version', 'data.pkl'])
    if (!records.some((record) => record.name === `${folder}/${name}`)) throw new TorchZipError(`it has no ${name}`);
}

/** Reads the content of one record, which torch stores uncompressed. */
export async function readZipRecord(file: FileHandle, itemOffset: number, record: ZipRecord): Promise<Buffer> {
  return readExactly(file, await contentStart(file, itemOffset, record), record.sizeBytes);
}

/**
 * Reads a whole record and compares it with the checksum that it was saved with, which torch itself does not do when it
 * loads. Answers false where there is none to compare with.
 *
 * @throws TorchZipError when it differs.
 */
export async function compareChecksum(file: FileHandle, itemOffset: number, record: ZipRecord): Promise<boolean> {
  const start = await contentStart(file, itemOffset, record);
  if (record.crc32 === 0 && record.sizeBytes > 0) return false;
  let sum = 0;
  for (let at = 0; at < record.sizeBytes; at += PIECE_BYTES) {
    sum = crc32(await readExactly(file, start + at, Math.min(PIECE_BYTES, record.sizeBytes - at)), sum);
  }
  if (sum !== record.crc32) throw new TorchZipError(`record ${record.name} has other content than was saved`);
  return true;
}

/** Large enough for full speed of a disk, small enough for several shards at once. */
const PIECE_BYTES = 4 * 1024 * 1024;

async function contentStart(file: FileHandle, itemOffset: number, record: ZipRecord): Promise<number> {
  const header = await readExactly(file, itemOffset + record.headerOffset, LOCAL_HEADER_BYTES);
  if (header.readUInt32LE(0) !== LOCAL_HEADER) throw new TorchZipError(`record ${record.name} has no header`);
  if (header.readUInt16LE(8) !== 0) throw new TorchZipError(`record ${record.name} is compressed`);
  return itemOffset + record.headerOffset + LOCAL_HEADER_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
}

// Signatures and fixed sizes of the zip format (PKWARE APPNOTE 4.3).
const LOCAL_HEADER = 0x04034b50;
const LOCAL_HEADER_BYTES = 30;
const DIRECTORY_HEADER = 0x02014b50;
const DIRECTORY_HEADER_BYTES = 46;
/** Flags of encryption and of a patch. */
const ENCRYPTED = 0x2061;
const END = 0x06054b50;
const END_BYTES = 22;
const END64 = 0x06064b50;
const END64_BYTES = 56;
const LOCATOR = 0x07064b50;
const LOCATOR_BYTES = 20;
/** Stands in a 32-bit field whose value is in the zip64 part instead. */
const IN_ZIP64 = 0xffffffff;

interface EndRecord {
  readonly records: number;
  readonly directoryOffset: number;
  readonly directoryBytes: number;
}

/** The end record must be the very last bytes of the item, directly behind the directory. */
function readEnd(tail: Buffer, length: number): EndRecord {
  const at = tail.length - END_BYTES;
  if (tail.readUInt32LE(at) !== END) throw new TorchZipError('it does not end like a zip archive');
  const hasZip64 = at >= LOCATOR_BYTES + END64_BYTES && tail.readUInt32LE(at - LOCATOR_BYTES) === LOCATOR;
  const at64 = at - LOCATOR_BYTES - END64_BYTES;
  const end = hasZip64 ? readEnd64(tail, at64, length - tail.length + at64) : readEnd32(tail, at);
  const trailer = END_BYTES + (hasZip64 ? LOCATOR_BYTES + END64_BYTES : 0);
  if (end.directoryOffset + end.directoryBytes + trailer !== length) {
    throw new TorchZipError(`its directory ends at ${end.directoryOffset + end.directoryBytes} of ${length} bytes`);
  }
  return end;
}

function readEnd32(tail: Buffer, at: number): EndRecord {
  return {
    records: tail.readUInt16LE(at + 10),
    directoryBytes: tail.readUInt32LE(at + 12),
    directoryOffset: tail.readUInt32LE(at + 16),
  };
}

/** `position`: where it lies in the item, which its locator must say, and everything in it is of one disk. */
function readEnd64(tail: Buffer, at: number, position: number): EndRecord {
  const locator = at + END64_BYTES;
  const records = tail.readBigUInt64LE(at + 32);
  const isWhole =
    tail.readUInt32LE(at) === END64 &&
    tail.readBigUInt64LE(at + 4) === BigInt(END64_BYTES - 12) &&
    tail.readBigUInt64LE(at + 16) === 0n &&
    tail.readBigUInt64LE(at + 24) === records &&
    tail.readUInt32LE(locator + 4) === 0 &&
    tail.readBigUInt64LE(locator + 8) === BigInt(position) &&
    tail.readUInt32LE(locator + 16) === 1;
  if (!isWhole) throw new TorchZipError('its zip64 end record is damaged');
  return {
    records: Number(records),
    directoryBytes: Number(tail.readBigUInt64LE(at + 40)),
    directoryOffset: Number(tail.readBigUInt64LE(at + 48)),
  };
}

function parseDirectory(directory: Buffer, directoryOffset: number): readonly ZipRecord[] {
  const records: ZipRecord[] = [];
  for (let at = 0; at < directory.length;) {
    if (at + DIRECTORY_HEADER_BYTES > directory.length || directory.readUInt32LE(at) !== DIRECTORY_HEADER) {
      throw new TorchZipError('its directory is damaged');
    }
    // The loader of torch refuses what is compressed, encrypted, or on another disk of several.
    const isPlain =
      (directory.readUInt16LE(at + 8) & ENCRYPTED) === 0 &&
      directory.readUInt16LE(at + 10) === 0 &&
      directory.readUInt16LE(at + 34) === 0;
    if (!isPlain || directory.readUInt32LE(at + 20) !== directory.readUInt32LE(at + 24))
      throw new TorchZipError('its directory is damaged');
    const nameEnd = at + DIRECTORY_HEADER_BYTES + directory.readUInt16LE(at + 28);
    const extraEnd = nameEnd + directory.readUInt16LE(at + 30);
    const next = extraEnd + directory.readUInt16LE(at + 32);
    if (next > directory.length) throw new TorchZipError('its directory is damaged');
    const wide = readWideFields(directory.subarray(nameEnd, extraEnd), [
      directory.readUInt32LE(at + 24),
      directory.readUInt32LE(at + 20),
      directory.readUInt32LE(at + 42),
    ]);
    const record = {
      name: directory.toString('utf8', at + DIRECTORY_HEADER_BYTES, nameEnd),
      sizeBytes: wide[0] ?? 0,
      headerOffset: wide[2] ?? 0,
      crc32: directory.readUInt32LE(at + 16),
    };
    if (record.headerOffset + LOCAL_HEADER_BYTES + record.sizeBytes > directoryOffset) {
      throw new TorchZipError(`record ${record.name} does not fit into it`);
    }
    records.push(record);
    at = next;
  }
  return records;
}

/** Fields (size, stored size, offset) that do not fit 32 bits follow in this order in extra field 1. */
function readWideFields(extra: Buffer, fields: readonly number[]): readonly number[] {
  let at = 0;
  while (at + 4 <= extra.length && extra.readUInt16LE(at) !== 1) at += 4 + extra.readUInt16LE(at + 2);
  at += 4;
  return fields.map((field) => {
    if (field !== IN_ZIP64) return field;
    if (at + 8 > extra.length) throw new TorchZipError('its directory is damaged');
    const value = Number(extra.readBigUInt64LE(at));
    at += 8;
    return value;
  });
}

async function readExactly(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  if (bytesRead < length) throw new TorchZipError(`the file ends at byte ${position + bytesRead}`);
  return buffer;
}
