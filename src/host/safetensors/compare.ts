import type { ExportDtype, FileProblem, ModelComparison, TensorDtype } from '../../schemas/model-files.js';
import { checkConfigDtype } from './config-dtype.js';
import { compareValues } from './compare-values.js';
import { readModelFolder, type ModelFolder } from './model-folder.js';
import { countNames, modelProblem } from './problems.js';

/** What an export was asked to be. */
export interface CompareOptions {
  readonly dtype: ExportDtype;
  /** Texts in the names of tensors that training must not have changed. */
  readonly frozen?: readonly string[];
  /** Also compares values: frozen tensors are equal bit for bit, and at least one other tensor differs. */
  readonly isDeep?: boolean;
  /** Of a deep comparison: that something was trained is shown elsewhere, before a cast rounded it away. */
  readonly mayBeEqual?: boolean;
}

/**
 * Compares an exported model folder with the original: names, shapes, dtypes as asked, config.json, and with `isDeep`
 * values. An original with problems of its own proves nothing, so those are told too.
 */
export async function compareModels(
  originalDir: string,
  exportedDir: string,
  options: CompareOptions,
): Promise<ModelComparison> {
  const [original, exported] = await Promise.all([readModelFolder(originalDir), readModelFolder(exportedDir)]);
  const problems = [...original.problems, ...exported.problems];
  if (problems.length === 0) {
    problems.push(...compareNames(original, exported), ...compareShapes(original, exported));
    problems.push(...compareDtypes(original, exported, options.dtype), ...(await checkConfigDtype(exported)));
  }
  if (problems.length === 0 && options.isDeep === true) {
    const { frozen = [], mayBeEqual = false } = options;
    problems.push(...(await compareValues(original, exported, { frozen, mayBeEqual })));
  }
  return {
    v: 1,
    ok: problems.length === 0,
    dtype: options.dtype,
    isDeep: options.isDeep ?? false,
    tensors: exported.tensors.size,
    bytes: exported.totalBytes,
    problems,
  };
}

function compareNames(original: ModelFolder, exported: ModelFolder): readonly FileProblem[] {
  const missing = namesOutside(original, exported);
  const extra = namesOutside(exported, original);
  return [
    ...(missing.length === 0 ? [] : [modelProblem('tensor-missing', exported.dir, `missing ${countNames(missing)}`)]),
    ...(extra.length === 0 ? [] : [modelProblem('tensor-extra', exported.dir, `extra ${countNames(extra)}`)]),
  ];
}

function namesOutside({ tensors }: ModelFolder, other: ModelFolder): readonly string[] {
  const outside: string[] = [];
  for (const name of tensors.keys()) if (!other.tensors.has(name)) outside.push(name);
  return outside;
}

function compareShapes(original: ModelFolder, exported: ModelFolder): readonly FileProblem[] {
  const differing: string[] = [];
  for (const [name, { shape }] of original.tensors) {
    const other = exported.tensors.get(name)?.shape;
    if (other === undefined || isSameShape(shape, other)) continue;
    differing.push(`${name} is [${other.join(', ')}], the original [${shape.join(', ')}]`);
  }
  return differing.length === 0 ? [] : [modelProblem('shape-differs', exported.dir, countNames(differing))];
}

function isSameShape(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((size, index) => size === right[index]);
}

/** A dtype that was asked for, given the original's. */
function expectedDtype(original: TensorDtype, asked: ExportDtype): TensorDtype {
  return asked === 'f32' && original === 'BF16' ? 'F32' : original;
}

/** A widening that reached only some tensors gets its own sentence, because its cause is another one. */
function compareDtypes(original: ModelFolder, exported: ModelFolder, asked: ExportDtype): readonly FileProblem[] {
  const widened: string[] = [];
  const kept: string[] = [];
  const groups = new Map<string, string[]>();
  for (const [name, { dtype }] of original.tensors) {
    const other = exported.tensors.get(name)?.dtype;
    if (other === undefined) continue;
    if (dtype === 'BF16' && other === 'F32') widened.push(name);
    if (dtype === 'BF16' && other === 'BF16') kept.push(name);
    const expected = expectedDtype(dtype, asked);
    if (other === expected) continue;
    const kind = `${other} instead of ${expected}`;
    const group = groups.get(kind);
    if (group === undefined) groups.set(kind, [name]);
    else group.push(name);
  }
  if (widened.length > 0 && kept.length > 0) {
    const what = `F32 are ${countNames(widened)}; still BF16 are ${countNames(kept)}`;
    return [modelProblem('dtype-mixed', exported.dir, what)];
  }
  return [...groups].map(([kind, names]) =>
    modelProblem('dtype-differs', exported.dir, `${kind} in ${countNames(names)}`),
  );
}
