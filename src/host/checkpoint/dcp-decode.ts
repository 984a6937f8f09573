import { DCP, DCP_RULES, isOfTorch } from './dcp-classes.js';
import { dtypeOf } from './dcp-dtypes.js';
import { DcpMetadataError, type DcpChunk, type DcpItem, type DcpMetadata, type DcpTensor } from './dcp-metadata.js';
import { PickleError } from './pickle/cursor.js';
import { unpickle, type Pickle } from './pickle/unpickle.js';
import { attributesOf, classOf, entriesOf, isNode, itemsOf, type PickleValue } from './pickle/values.js';

/**
 * Decodes the bytes of a `.metadata` file.
 *
 * @throws DcpMetadataError when they are not the metadata of a distributed checkpoint.
 */
export function decodeMetadata(data: Uint8Array): DcpMetadata {
  const { value: root, globals } = readPickle(data);
  if (classOf(root) !== DCP.metadata) {
    throw new DcpMetadataError(`a pickle of ${classOf(root) ?? 'plain data'} instead of ${DCP.metadata}`);
  }
  const fields = attributesOf(root);
  const tensors = new Map<string, DcpTensor>();
  const bytesEntries = new Set<string>();
  for (const [fqn, entry] of entries(fields.get('state_dict_metadata'), 'state_dict_metadata')) {
    const name = text(fqn, 'a key of state_dict_metadata');
    if (tensors.has(name) || bytesEntries.has(name)) throw new DcpMetadataError(`${name} is listed twice`);
    if (classOf(entry) === DCP.bytes) bytesEntries.add(name);
    else tensors.set(name, decodeTensor(name, entry));
  }
  return {
    tensors,
    bytesEntries,
    storage: decodeStorage(fields.get('storage_data')),
    keyPaths: decodeKeyPaths(fields.get('planner_data')),
    savedIn: decodeSavedIn(decodeStorageMeta(fields.get('storage_meta')).get('checkpoint_id')),
    version: optionalText(fields.get('version')),
    foreignGlobals: [...globals].filter((name) => !isOfTorch(name)).toSorted(),
  };
}

function readPickle(data: Uint8Array): Pickle {
  if (data.length === 0) throw new DcpMetadataError('the file is empty');
  try {
    return unpickle(data, { rules: DCP_RULES });
  } catch (error) {
    if (!(error instanceof PickleError)) throw error;
    throw new DcpMetadataError(`damaged: ${error.message}`, { cause: error });
  }
}

function decodeTensor(fqn: string, entry: PickleValue): DcpTensor {
  if (classOf(entry) !== DCP.tensor) {
    throw new DcpMetadataError(`${fqn} is a ${classOf(entry) ?? 'plain value'}, neither tensor nor bytes`);
  }
  const fields = attributesOf(entry);
  return {
    dtype: decodeDtype(fqn, fields.get('properties')),
    size: decodeSize(fields.get('size'), `the size of ${fqn}`),
    chunks: items(fields.get('chunks'), `the chunks of ${fqn}`).map((chunk) => decodeChunk(fqn, chunk)),
  };
}

/** TensorProperties pickles its state as a tuple that starts with the dtype. */
function decodeDtype(fqn: string, properties: PickleValue | undefined): string {
  const isProperties = [DCP.properties, DCP.olderProperties].some((name) => name === classOf(properties));
  const state = isProperties && isNode(properties) && properties.kind === 'object' ? properties.state : undefined;
  const dtype = itemsOf(state)?.[0];
  const name = isNode(dtype) && dtype.kind === 'global' ? dtype.name : undefined;
  const known = name === undefined ? null : dtypeOf(name);
  if (known === null) throw new DcpMetadataError(`${fqn} has the unknown element type ${name ?? '(none)'}`);
  return known;
}

function decodeChunk(fqn: string, chunk: PickleValue): DcpChunk {
  if (classOf(chunk) !== DCP.chunk) {
    throw new DcpMetadataError(`a chunk of ${fqn} is a ${classOf(chunk) ?? 'plain value'}`);
  }
  const fields = attributesOf(chunk);
  return {
    offsets: decodeSize(fields.get('offsets'), `chunk offsets of ${fqn}`),
    sizes: decodeSize(fields.get('sizes'), `chunk sizes of ${fqn}`),
  };
}

function decodeStorage(value: PickleValue | undefined): DcpMetadata['storage'] {
  const shards = new Map<string, { maxEnd: number; items: DcpItem[] }>();
  for (const [index, info] of entries(value, 'storage_data')) {
    if (classOf(index) !== DCP.index || classOf(info) !== DCP.storageInfo) {
      throw new DcpMetadataError(
        `storage_data maps ${classOf(index) ?? 'plain data'} to ${classOf(info) ?? 'plain data'}`,
      );
    }
    const key = attributesOf(index);
    const place = attributesOf(info);
    const fqn = text(key.get('fqn'), 'the name of a stored item');
    const chunk = key.get('offset') ?? null;
    const item: DcpItem = {
      fqn,
      chunkOffsets: chunk === null ? null : decodeSize(chunk, `the chunk of a stored item of ${fqn}`),
      offset: count(place.get('offset'), `the file offset of ${fqn}`),
      length: count(place.get('length'), `the length of ${fqn}`),
    };
    const file = text(place.get('relative_path'), `the file of ${fqn}`);
    const shard = shards.get(file) ?? { maxEnd: 0, items: [] };
    shard.items.push(item);
    shard.maxEnd = Math.max(shard.maxEnd, item.offset + item.length);
    shards.set(file, shard);
  }
  return shards;
}

/** The planner may be replaced by other code, so what is not a map of key paths is simply not told. */
function decodeKeyPaths(value: PickleValue | undefined): DcpMetadata['keyPaths'] {
  const entries = entriesOf(value) ?? [];
  const paths = new Map<string, readonly string[]>();
  for (const [fqn, path] of entries) {
    const keys = itemsOf(path);
    if (typeof fqn === 'string' && keys !== undefined) paths.set(fqn, keys.map(String));
  }
  if (paths.size > 0 && paths.size < entries.length) {
    throw new DcpMetadataError(`${entries.length - paths.size} of ${entries.length} key paths are none, or told twice`);
  }
  return paths;
}

/** Another storage may keep other facts here. */
function decodeStorageMeta(value: PickleValue | undefined): ReadonlyMap<string, PickleValue> {
  const name = classOf(value);
  if (name !== DCP.storageMeta && name?.endsWith('.StorageMeta') === true) {
    throw new DcpMetadataError(`storage_meta is a ${name} instead of ${DCP.storageMeta}`);
  }
  return attributesOf(value);
}

/** `checkpoint_id` is a text or a path; a path pickles as its parts. */
function decodeSavedIn(value: PickleValue | undefined): string | null {
  if (typeof value === 'string') return value.split('/').findLast((part) => part !== '') ?? null;
  const args = isNode(value) && value.kind === 'object' ? itemsOf(value.args) : undefined;
  return optionalText(args?.at(-1));
}

function decodeSize(value: PickleValue | undefined, what: string): readonly number[] {
  const isSize = classOf(value) === DCP.size && isNode(value) && value.kind === 'object';
  const dimensions = isSize ? itemsOf(itemsOf(value.args)?.[0]) : itemsOf(value);
  if (dimensions === undefined) throw new DcpMetadataError(`${what} is missing`);
  return dimensions.map((dimension) => count(dimension, what));
}

function entries(value: PickleValue | undefined, what: string): ReturnType<typeof entriesOf> & object {
  const list = entriesOf(value);
  if (list === undefined) throw new DcpMetadataError(`${what} is missing or no dict`);
  return list;
}

function items(value: PickleValue | undefined, what: string): readonly PickleValue[] {
  const list = itemsOf(value);
  if (list === undefined) throw new DcpMetadataError(`${what} are missing or no list`);
  return list;
}

function text(value: PickleValue | undefined, what: string): string {
  if (typeof value !== 'string') throw new DcpMetadataError(`${what} is not text`);
  return value;
}

function optionalText(value: PickleValue | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

function count(value: PickleValue | undefined, what: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new DcpMetadataError(`${what} is not a count`);
  }
  return value;
}
