import { TensorDtypeSchema, type TensorDtype } from '../../schemas/model-files.js';

const BYTES_PER_ELEMENT: Readonly<Record<TensorDtype, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  I64: 8,
  U64: 8,
  F64: 8,
  C64: 8,
  C128: 16,
};

/** Bytes that one element of a tensor takes. */
export function bytesPerElement(dtype: TensorDtype): number {
  return BYTES_PER_ELEMENT[dtype];
}

const NAMES: ReadonlyMap<unknown, TensorDtype> = new Map(TensorDtypeSchema.options.map((name) => [name, name]));

/** The known dtype of this name, or null. A look-up, because a model has tens of thousands of tensors. */
export function parseDtype(name: unknown): TensorDtype | null {
  return NAMES.get(name) ?? null;
}
