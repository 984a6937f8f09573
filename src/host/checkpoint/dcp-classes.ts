import { dtypeOf, TORCH_DTYPES } from './dcp-dtypes.js';
import type { PickleRules } from './pickle/rules.js';
import { classOf, isNode, itemsOf, type PickleValue } from './pickle/values.js';

const METADATA = 'torch.distributed.checkpoint.metadata';
/** Where torch before 2.4 kept what describes a tensor; newer ones still read it. */
const OLDER = 'torch.distributed._shard.sharded_tensor.metadata';

/** Classes of `.metadata` that its decoder looks for. */
export const DCP = {
  metadata: `${METADATA}.Metadata`,
  bytes: `${METADATA}.BytesStorageMetadata`,
  tensor: `${METADATA}.TensorStorageMetadata`,
  properties: `${METADATA}.TensorProperties`,
  olderProperties: `${OLDER}.TensorProperties`,
  chunk: `${METADATA}.ChunkStorageMetadata`,
  index: `${METADATA}.MetadataIndex`,
  storageMeta: `${METADATA}.StorageMeta`,
  storageInfo: 'torch.distributed.checkpoint.filesystem._StorageInfo',
  size: 'torch.Size',
} as const;

const MEMORY_FORMATS: readonly string[] = [`${METADATA}._MEM_FORMAT_ENCODING`, `${OLDER}.MEM_FORMAT_ENCODING`];
const LAYOUT = 'torch.serialization._get_layout';

/** What is known of a class or function. */
interface Row {
  /** Attributes of a dataclass, which is made without a call. */
  readonly attributes?: readonly string[];
  /** Whether it can be called with these arguments; what has none is not called. */
  readonly takes?: (args: readonly PickleValue[]) => boolean;
  readonly canBeKey?: boolean;
}

/** Everything that torch 2.1 to 2.13 itself writes into `.metadata`, beside element types. */
const ROWS: ReadonlyMap<string, Row> = new Map<string, Row>([
  [DCP.metadata, { attributes: ['state_dict_metadata', 'planner_data', 'storage_data', 'storage_meta', 'version'] }],
  [DCP.bytes, { attributes: [] }],
  [DCP.tensor, { attributes: ['properties', 'size', 'chunks'] }],
  // Its state is a tuple.
  [DCP.properties, {}],
  [DCP.olderProperties, {}],
  [DCP.chunk, { attributes: ['offsets', 'sizes'] }],
  [DCP.index, { attributes: ['fqn', 'offset', 'index'], canBeKey: true }],
  [DCP.storageMeta, { attributes: ['checkpoint_id', 'save_id', 'load_id', 'modules'] }],
  [DCP.storageInfo, { attributes: ['relative_path', 'offset', 'length', 'transform_descriptors'] }],
  [DCP.size, { takes: ([items, ...more]) => more.length === 0 && areSizes(items), canBeKey: true }],
  // Its members have the values 0 to 2.
  ...MEMORY_FORMATS.map((name): [string, Row] => [
    name,
    { takes: ([code, ...more]) => more.length === 0 && [0, 1, 2].some((one) => one === code) },
  ]),
  [LAYOUT, { takes: ([name, ...more]) => more.length === 0 && LAYOUTS.some((one) => one === name) }],
  ['collections.OrderedDict', { takes: (args) => args.length === 0 }],
  ['pathlib.PosixPath', { takes: areTexts, canBeKey: true }],
  ['pathlib._local.PosixPath', { takes: areTexts, canBeKey: true }],
]);

/** `[str(v) for v in vars(torch).values() if isinstance(v, torch.layout)]` */
const LAYOUTS: readonly string[] = [
  ...['strided', 'sparse_coo', 'sparse_csr', 'sparse_csc', 'sparse_bsr', 'sparse_bsc', '_mkldnn', 'jagged'],
].map((name) => `torch.${name}`);

const NAMES: readonly string[] = [...ROWS.keys(), ...TORCH_DTYPES];

/** Whether torch itself writes a name into `.metadata`. */
export function isOfTorch(name: string): boolean {
  return ROWS.has(name) || dtypeOf(name) !== null;
}

/** Refuses what torch could not read: `pickle.load` imports each name and builds each object. */
export const DCP_RULES: PickleRules = {
  name(name) {
    if (isOfTorch(name)) return null;
    if (!IMPORTABLE.test(name)) return `the name ${JSON.stringify(name)}, which Python cannot import`;
    const meant = NAMES.find((known) => isOneEditFrom(name, known));
    return meant === undefined ? null : `the name ${name}, which is ${meant} with one character damaged`;
  },
  make(object, name) {
    const row = ROWS.get(name);
    if (row === undefined) return dtypeOf(name) === null ? null : `an object of ${name}, which is no class`;
    if (row.takes === undefined) return object.isCall ? `a call of ${name}, which no save writes` : null;
    return object.isCall && row.takes(itemsOf(object.args) ?? [])
      ? null
      : `${name} with arguments that it does not take`;
  },
  state(name, state) {
    if (name === DCP.properties || name === DCP.olderProperties)
      return isPropertiesState(state) ? null : `${name} with a state that it does not take`;
    const row = ROWS.get(name);
    if (row === undefined || name === 'collections.OrderedDict') return null;
    if (row.attributes === undefined) return `state for ${name}, which has none`;
    return findOddAttribute(name, row.attributes, state);
  },
  canBeKey: (name) => ROWS.get(name)?.canBeKey ?? !ROWS.has(name),
};

/** Words of Python, joined by dots; such as a class in a class of a package. */
const IMPORTABLE = /^[\p{L}_][\p{L}\p{N}_]*(\.[\p{L}_][\p{L}\p{N}_]*)+$/u;

/** Newer versions may add attributes; a known one that is spelled with another character is damage. */
function findOddAttribute(name: string, attributes: readonly string[], state: PickleValue): string | null {
  if (!isNode(state) || state.kind !== 'dict') return `${name} with a state that is no dict`;
  for (const [key] of state.entries) {
    if (typeof key !== 'string') return `${name} with an attribute whose name is no text`;
    const meant = attributes.includes(key) ? undefined : attributes.find((one) => isOneEditFrom(key, one));
    if (meant !== undefined) return `the attribute ${JSON.stringify(key)} of ${name}, which is a damaged ${meant}`;
  }
  return null;
}

/** Element type, layout, requires_grad, memory format, pin_memory: what `__setstate__` unpacks, and looks at. */
function isPropertiesState(state: PickleValue): boolean {
  return isNode(state) && state.kind === 'tuple' && state.items.length === 5 && isMemoryFormat(state.items[3]);
}

/** A member of the enum, by its value or, as Python 3.11.0 pickled members, as an attribute of the enum. */
function isMemoryFormat(value: PickleValue | undefined): boolean {
  if (MEMORY_FORMATS.some((name) => name === classOf(value))) return true;
  if (classOf(value) !== 'builtins.getattr' || !isNode(value) || value.kind !== 'object') return false;
  const [owner, name] = itemsOf(value.args) ?? [];
  return (
    isNode(owner) &&
    owner.kind === 'global' &&
    MEMORY_FORMATS.includes(owner.name) &&
    FORMATS.some((one) => one === name)
  );
}

const FORMATS: readonly string[] = ['TORCH_CONTIGUOUS_FORMAT', 'TORCH_CHANNELS_LAST', 'TORCH_PRESERVE_FORMAT'];

function areSizes(value: PickleValue | undefined): boolean {
  return itemsOf(value)?.every(Number.isSafeInteger) === true;
}

function areTexts(values: readonly PickleValue[]): boolean {
  return values.every((value) => typeof value === 'string');
}

/** Whether one text becomes the other when one character is changed, added or left out. */
export function isOneEditFrom(one: string, other: string): boolean {
  if (Math.abs(one.length - other.length) > 1) return false;
  const least = Math.min(one.length, other.length);
  let start = 0;
  while (start < least && one[start] === other[start]) start += 1;
  let end = 0;
  while (end < least - start && one.at(-1 - end) === other.at(-1 - end)) end += 1;
  return Math.max(one.length, other.length) - start - end === 1;
}
