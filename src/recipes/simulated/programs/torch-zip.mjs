import { crc32 } from 'node:zlib';
import { Call, Global, Persistent, Tuple, writePickle } from './pickle-writer.mjs';
import { PythonError } from './program-errors.mjs';

/** @typedef {'F32' | 'BF16' | 'U8'} Dtype element type by its safetensors name */

/** Element types: their torch name, the name of their storage class, and bytes per element. */
export const DTYPES = {
  F32: { torch: 'float32', storage: 'FloatStorage', bytes: 4 },
  BF16: { torch: 'bfloat16', storage: 'BFloat16Storage', bytes: 2 },
  U8: { torch: 'uint8', storage: 'ByteStorage', bytes: 1 },
};

/**
 * A tensor as `torch.save` writes it.
 * @param {Dtype} dtype
 * @param {readonly number[]} shape
 * @param {Buffer} elements little endian
 */
export function saveTensor(dtype, shape, elements) {
  const strides = shape.map((_, dimension) => shape.slice(dimension + 1).reduce((product, size) => product * size, 1));
  const { storage, bytes } = DTYPES[dtype];
  const id = new Persistent(new Tuple(['storage', new Global('torch', storage), '0', 'cpu', elements.length / bytes]));
  const hooks = new Call(new Global('collections', 'OrderedDict'), []);
  const rebuild = new Global('torch._utils', '_rebuild_tensor_v2');
  const tensor = new Call(rebuild, [id, 0, new Tuple(shape), new Tuple(strides), false, hooks]);
  return writeZip([
    ['data.pkl', writePickle(tensor, 2)],
    ['byteorder', Buffer.from('little')],
    ['data/0', elements],
    VERSION,
  ]);
}

/**
 * Any other value as `torch.save` writes it.
 * @param {unknown} value what `writePickle` takes
 */
export function saveObject(value) {
  return writeZip([['data.pkl', writePickle(value, 2)], ['byteorder', Buffer.from('little')], VERSION]);
}

/**
 * The content of a record of such an archive.
 * @param {Buffer} archive
 * @param {string} name such as `data.pkl`
 * @throws PythonError as torch does for a damaged archive
 */
export function readZipRecord(archive, name) {
  const end = archive.length - END_BYTES;
  if (end < 0 || archive.readUInt32LE(end) !== END) throw damaged('failed finding central directory');
  const count = archive.readUInt16LE(end + 10);
  let at = archive.readUInt32LE(end + 16);
  for (let entry = 0; entry < count; entry += 1) {
    if (at + DIRECTORY_BYTES > end || archive.readUInt32LE(at) !== DIRECTORY)
      throw damaged('invalid header or archive is corrupted');
    const nameEnd = at + DIRECTORY_BYTES + archive.readUInt16LE(at + 28);
    if (archive.toString('utf8', at + DIRECTORY_BYTES, nameEnd) === `${ROOT}/${name}`) {
      const local = archive.readUInt32LE(at + 42);
      const start = local + LOCAL_BYTES + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
      const content = archive.subarray(start, start + archive.readUInt32LE(at + 24));
      if (crc32(content) !== archive.readUInt32LE(at + 16)) throw damaged('file in archive has a wrong checksum');
      return content;
    }
    at = nameEnd;
  }
  throw damaged(`file not found: ${ROOT}/${name}`);
}

/** Every name in the archive stands below this one. */
const ROOT = 'archive';
/** Version of the layout inside the archive; torch refuses to read without it. */
const VERSION = ['version', Buffer.from('3\n')];

// Signatures and sizes of the zip format (PKWARE APPNOTE 4.3).
const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
const DIRECTORY = 0x02014b50;
const DIRECTORY_BYTES = 46;
const END = 0x06054b50;
const END_BYTES = 22;
/** Elements start at multiples of this, so that torch can map them. */
const ALIGNMENT = 64;

/** Stored records with their directory; below 4 GB, so no zip64. */
function writeZip(records) {
  const locals = [];
  const directory = [];
  let offset = 0;
  for (const [path, content] of records) {
    const name = Buffer.from(`${ROOT}/${path}`);
    const checksum = crc32(content);
    const padding = (ALIGNMENT - ((offset + LOCAL_BYTES + name.length + EXTRA_HEAD_BYTES) % ALIGNMENT)) % ALIGNMENT;
    const local = Buffer.concat([
      header(LOCAL, LOCAL_BYTES, 4, checksum, content.length, name.length),
      name,
      extra(padding),
    ]);
    local.writeUInt16LE(EXTRA_HEAD_BYTES + padding, 28);
    const entry = header(DIRECTORY, DIRECTORY_BYTES, 6, checksum, content.length, name.length);
    entry.writeUInt32LE(offset, 42);
    locals.push(local, content);
    directory.push(entry, name);
    offset += local.length + content.length;
  }
  const list = Buffer.concat(directory);
  const end = Buffer.alloc(END_BYTES);
  end.writeUInt32LE(END);
  end.writeUInt16LE(records.length, 8);
  end.writeUInt16LE(records.length, 10);
  end.writeUInt32LE(list.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, list, end]);
}

/** The fields that both kinds of header share start at `at`. Times stay zero: equal content gives equal bytes. */
function header(signature, size, at, checksum, bytes, nameBytes) {
  const fields = Buffer.alloc(size);
  fields.writeUInt32LE(signature);
  fields.writeUInt32LE(checksum, at + 10);
  fields.writeUInt32LE(bytes, at + 14);
  fields.writeUInt32LE(bytes, at + 18);
  fields.writeUInt16LE(nameBytes, at + 22);
  return fields;
}

/** Id and length in front of the bytes of an extra field. */
const EXTRA_HEAD_BYTES = 4;

function extra(padding) {
  const field = Buffer.alloc(EXTRA_HEAD_BYTES + padding);
  // "FB": the id that torch itself uses for its padding.
  field.write('FB');
  field.writeUInt16LE(padding, 2);
  return field;
}

function damaged(what) {
  return new PythonError('RuntimeError', `PytorchStreamReader failed reading zip archive: ${what}`);
}
