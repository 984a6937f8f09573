import { join } from 'node:path';
import type { FileProblem, TensorDtype } from '../../schemas/model-files.js';
import { readRegular } from '../open-regular.js';
import { isObject, parseJsonObject } from './json-object.js';
import type { ModelFolder } from './model-folder.js';
import { modelProblem } from './problems.js';

/**
 * Checks that config.json names the dtype that most bytes of the weights have, at the top and in the parts for text
 * and vision (`text_config`, …), under the field's new name (`dtype`) and its old one (`torch_dtype`).
 */
export async function checkConfigDtype(folder: ModelFolder): Promise<readonly FileProblem[]> {
  const path = join(folder.dir, 'config.json');
  const bytes = await readRegular(path).catch(() => null);
  const config = bytes === null ? null : parseJsonObject(bytes);
  if (config === null) {
    return [modelProblem('config-damaged', path, bytes === null ? 'it cannot be read' : 'it is not a JSON object')];
  }
  const truth = mainFloat(folder);
  const claims = [
    ...claimsIn(config, ''),
    ...Object.entries(config).flatMap(([key, part]) => claimsIn(part, `${key}.`)),
  ];
  if (truth === null) return [];
  if (claims.length === 0) {
    return [modelProblem('config-dtype-wrong', path, `it names no dtype; the weights are ${truth}`)];
  }
  return claims
    .filter(({ dtype }) => dtype !== truth)
    .map(({ field, dtype }) =>
      modelProblem('config-dtype-wrong', path, `${field} is ${dtype}, the weights are ${truth}`),
    );
}

/** Names that Python's torch gives to the floats that weights are stored in. */
const TORCH_NAMES: ReadonlyMap<TensorDtype, string> = new Map([
  ['BF16', 'bfloat16'],
  ['F16', 'float16'],
  ['F32', 'float32'],
  ['F64', 'float64'],
]);

/** The float type that most bytes of the weights have, by its torch name; null without floats. */
function mainFloat(folder: ModelFolder): string | null {
  const bytes = new Map<string, number>();
  for (const { dtype, offsets } of folder.tensors.values()) {
    const name = TORCH_NAMES.get(dtype);
    if (name !== undefined) bytes.set(name, (bytes.get(name) ?? 0) + offsets[1] - offsets[0]);
  }
  const [most] = [...bytes].toSorted(([, left], [, right]) => right - left);
  return most?.[0] ?? null;
}

function claimsIn(part: unknown, prefix: string): readonly { readonly field: string; readonly dtype: string }[] {
  if (!isObject(part)) return [];
  return ['dtype', 'torch_dtype'].flatMap((key) => {
    const dtype = part[key];
    return typeof dtype === 'string' ? [{ field: `${prefix}${key}`, dtype: dtype.replace(/^torch\./, '') }] : [];
  });
}
