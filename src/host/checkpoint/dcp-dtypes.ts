/** Types that torch 2.7 to 2.13 has and safetensors names in its own way, by torch name. */
const SHARED: Readonly<Record<string, readonly [name: string, bytes: number]>> = {
  bool: ['BOOL', 1],
  uint8: ['U8', 1],
  int8: ['I8', 1],
  int16: ['I16', 2],
  uint16: ['U16', 2],
  int32: ['I32', 4],
  uint32: ['U32', 4],
  int64: ['I64', 8],
  uint64: ['U64', 8],
  float8_e4m3fn: ['F8_E4M3', 1],
  float8_e5m2: ['F8_E5M2', 1],
  float8_e8m0fnu: ['F8_E8M0', 1],
  float16: ['F16', 2],
  bfloat16: ['BF16', 2],
  float32: ['F32', 4],
  float64: ['F64', 8],
  complex64: ['C64', 8],
  complex128: ['C128', 16],
};

/** The other ones (`[d for d in vars(torch).values() if isinstance(d, torch.dtype)]`). Narrow ones take a byte each. */
const OF_TORCH: Readonly<Record<string, number>> = {
  complex32: 4,
  float8_e4m3fnuz: 1,
  float8_e5m2fnuz: 1,
  float4_e2m1fn_x2: 1,
  ...Object.fromEntries(
    [1, 2, 3, 4, 5, 6, 7].flatMap((bits) => [`int${bits}`, `uint${bits}`]).map((name) => [name, 1]),
  ),
  bits8: 1,
  bits16: 2,
  bits1x8: 1,
  bits2x4: 1,
  bits4x2: 1,
  qint8: 1,
  quint8: 1,
  qint32: 4,
  // Two and four elements share a byte.
  quint4x2: 1 / 2,
  quint2x4: 1 / 4,
};

const NAMES: ReadonlyMap<string, string> = new Map([
  ...Object.entries(SHARED).map(([torch, [name]]) => [`torch.${torch}`, name] as const),
  ...Object.keys(OF_TORCH).map((torch) => [`torch.${torch}`, torch] as const),
]);

const BYTES: ReadonlyMap<string, number> = new Map([...Object.values(SHARED), ...Object.entries(OF_TORCH)]);

/** Names of all element types of torch, such as `torch.bfloat16`. */
export const TORCH_DTYPES: readonly string[] = [...NAMES.keys()];

/** An element type by its torch name, as safetensors spells it, else as torch does; null for one that torch does not have. */
export function dtypeOf(torchName: string): string | null {
  return NAMES.get(torchName) ?? null;
}

/** Bytes that an element of a stored tensor takes, by what `dtypeOf` answers. */
export function elementBytes(dtype: string): number {
  return BYTES.get(dtype) ?? 0;
}
