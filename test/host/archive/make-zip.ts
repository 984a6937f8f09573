import { crc32, deflateRawSync } from 'node:zlib';

/** One entry as a test wants it, wrong values included. */
export interface MadeEntry {
  readonly name: string;
  readonly content?: Buffer;
  readonly isStored?: boolean;
  /** Declared instead of the true ones. */
  readonly crc?: number;
  readonly bytes?: number;
  readonly method?: number;
  readonly flags?: number;
  /** Unix mode, with its type bits. */
  readonly mode?: number;
  /** Writes sizes and offset into a zip64 field, as archives above 4 GB do. */
  readonly isZip64?: boolean;
  /** Takes the data of an earlier entry, by its index. */
  readonly sharesWith?: number;
}

/** Makes an archive by hand (APPNOTE 4.3), so that it can be wrong in every way. */
export function makeZip(entries: readonly MadeEntry[]): Buffer {
  const parts: Buffer[] = [];
  const central: Buffer[] = [];
  const offsets: number[] = [];
  let at = 0;
  for (const entry of entries) {
    const { name, content = Buffer.alloc(0), isStored = false, mode = 0, isZip64 = false } = entry;
    // Bit 11: names are UTF-8.
    const flags = 0x800 | (entry.flags ?? 0);
    const data = isStored ? content : deflateRawSync(content);
    const method = entry.method ?? (isStored ? 0 : 8);
    const crc = entry.crc ?? crc32(content);
    const bytes = entry.bytes ?? content.length;
    const path = Buffer.from(name);
    const offset = entry.sharesWith === undefined ? at : (offsets[entry.sharesWith] ?? 0);
    offsets.push(offset);
    const fixed = (size: number): Buffer => Buffer.alloc(size);
    const local = fixed(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(20, 4);
    local.writeUInt16LE(flags, 6);
    local.writeUInt16LE(method, 8);
    local.writeUInt32LE(crc, 14);
    local.writeUInt32LE(data.length, 18);
    local.writeUInt32LE(Math.min(bytes, 0xffffffff), 22);
    local.writeUInt16LE(path.length, 26);
    if (entry.sharesWith === undefined) {
      parts.push(local, path, data);
      at += local.length + path.length + data.length;
    }
    const extra = isZip64 ? fixed(28) : fixed(0);
    if (isZip64) {
      extra.writeUInt16LE(1, 0);
      extra.writeUInt16LE(24, 2);
      extra.writeBigUInt64LE(BigInt(bytes), 4);
      extra.writeBigUInt64LE(BigInt(data.length), 12);
      extra.writeBigUInt64LE(BigInt(offset), 20);
    }
    const header = fixed(46);
    header.writeUInt32LE(0x02014b50, 0);
    header.writeUInt16LE((3 << 8) | 45, 4);
    header.writeUInt16LE(isZip64 ? 45 : 20, 6);
    header.writeUInt16LE(flags, 8);
    header.writeUInt16LE(method, 10);
    header.writeUInt32LE(crc, 16);
    header.writeUInt32LE(isZip64 ? 0xffffffff : data.length, 20);
    header.writeUInt32LE(isZip64 ? 0xffffffff : bytes, 24);
    header.writeUInt16LE(path.length, 28);
    header.writeUInt16LE(extra.length, 30);
    header.writeUInt32LE((mode << 16) >>> 0, 38);
    header.writeUInt32LE(isZip64 ? 0xffffffff : offset, 42);
    central.push(header, path, extra);
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, directory, end]);
}
