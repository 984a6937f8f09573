import { readFile, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { readPickle } from './pickle-reader.mjs';
import { Call, Global, Instance, Tuple, writePickle } from './pickle-writer.mjs';
import { DTYPES } from './torch-zip.mjs';

/**
 * One stored piece of a checkpoint, as ranks tell it to rank 0: a chunk of a tensor, or with `dtype` null a pickled
 * object. `offset` and `length` are its place in `file`, in bytes; the other numbers are elements.
 * @typedef {{
 *   path: readonly (string | number)[],
 *   dtype: import('./torch-zip.mjs').Dtype | null,
 *   size: readonly number[],
 *   start: readonly number[],
 *   extent: readonly number[],
 *   file: string,
 *   offset: number,
 *   length: number,
 * }} StoredPiece
 */

/**
 * Commits a checkpoint: `.metadata` appears by a rename, and only then are the shards a checkpoint.
 * @param {string} folder
 * @param {readonly StoredPiece[]} pieces of all ranks
 */
export async function writeMetadata(folder, pieces) {
  const temporary = join(folder, '.metadata.tmp');
  await writeFile(temporary, writePickle(describe(folder, pieces), 4));
  await rename(temporary, join(folder, '.metadata'));
}

/**
 * Reads `.metadata`: the pieces of each entry by its dotted name.
 * @param {string} folder
 * @returns {Promise<ReadonlyMap<string, readonly StoredPiece[]>>}
 */
export async function readMetadata(folder) {
  const { state } = readPickle(await readFile(join(folder, '.metadata')));
  const entries = new Map();
  for (const [index, info] of state.get('storage_data')) {
    const name = index.state.get('fqn');
    const entry = state.get('state_dict_metadata').get(name);
    const isTensor = entry.type === `${METADATA}.TensorStorageMetadata`;
    const chunk = isTensor ? entry.state.get('chunks')[index.state.get('index')] : null;
    const piece = {
      path: state.get('planner_data').get(name),
      dtype: isTensor ? dtypeOf(entry) : null,
      size: isTensor ? sizeOf(entry.state.get('size')) : [],
      start: isTensor ? sizeOf(chunk.state.get('offsets')) : [],
      extent: isTensor ? sizeOf(chunk.state.get('sizes')) : [],
      file: info.state.get('relative_path'),
      offset: info.state.get('offset'),
      length: info.state.get('length'),
    };
    const pieces = entries.get(name);
    if (pieces === undefined) entries.set(name, [piece]);
    else pieces.push(piece);
  }
  return entries;
}

const METADATA = 'torch.distributed.checkpoint.metadata';

/** The object that torch pickles, with the classes of torch 2.7 and later. */
function describe(folder, pieces) {
  const byName = groupByName(pieces);
  return new Instance(new Global(METADATA, 'Metadata'), {
    state_dict_metadata: new Map([...byName].map(([name, chunks]) => [name, describeEntry(chunks)])),
    planner_data: new Map([...byName].map(([name, [{ path }]]) => [name, new Tuple(path)])),
    storage_data: new Map(
      [...byName].flatMap(([name, chunks]) => chunks.map((piece, index) => describePlace(name, piece, index))),
    ),
    storage_meta: new Instance(new Global(METADATA, 'StorageMeta'), {
      checkpoint_id: new Call(new Global('pathlib', 'PosixPath'), [basename(dirname(folder)), basename(folder)]),
      save_id: null,
      load_id: null,
      modules: [],
    }),
    version: '1.0.0',
  });
}

/** Chunks of one tensor come from several ranks; their order here numbers them. */
function groupByName(pieces) {
  const groups = new Map();
  for (const piece of pieces) {
    const name = piece.path.join('.');
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [piece]);
    else group.push(piece);
  }
  return groups;
}

function describeEntry(chunks) {
  const [{ dtype, size }] = chunks;
  if (dtype === null) return new Instance(new Global(METADATA, 'BytesStorageMetadata'), null);
  return new Instance(new Global(METADATA, 'TensorStorageMetadata'), {
    properties: new Instance(new Global(METADATA, 'TensorProperties'), properties(dtype)),
    size: torchSize(size),
    chunks: chunks.map(
      ({ start, extent }) =>
        new Instance(new Global(METADATA, 'ChunkStorageMetadata'), {
          offsets: torchSize(start),
          sizes: torchSize(extent),
        }),
    ),
  });
}

/** Element type, layout, requires_grad, memory format (0: contiguous), pinned. */
function properties(dtype) {
  const layout = new Call(new Global('torch.serialization', '_get_layout'), ['torch.strided']);
  const format = new Call(new Global(METADATA, '_MEM_FORMAT_ENCODING'), [0]);
  return new Tuple([new Global('torch', DTYPES[dtype].torch), layout, false, format, false]);
}

function describePlace(name, { dtype, start, file, offset, length }, index) {
  const isTensor = dtype !== null;
  const key = new Instance(new Global(METADATA, 'MetadataIndex'), {
    fqn: name,
    offset: isTensor ? torchSize(start) : null,
    index: isTensor ? index : null,
  });
  const place = new Instance(new Global('torch.distributed.checkpoint.filesystem', '_StorageInfo'), {
    relative_path: file,
    offset,
    length,
  });
  return [key, place];
}

function torchSize(numbers) {
  return new Call(new Global('torch', 'Size'), [new Tuple(numbers)]);
}

function sizeOf(size) {
  return size.args[0];
}

function dtypeOf(entry) {
  const name = entry.state.get('properties').state[0];
  const [dtype] = Object.entries(DTYPES).find(([, { torch }]) => name === `torch.${torch}`);
  return dtype;
}
