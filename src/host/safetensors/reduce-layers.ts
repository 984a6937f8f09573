import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { TemperError } from '../../domain/errors.js';
import { layersProblem } from '../../domain/model-config.js';
import { isObject, parseJsonObject } from './json-object.js';
import { copyCompanions, makeModelFolder, wholeFolder } from './new-folder.js';
import { dataOf, writeModel, type WriteProgress } from './write-model.js';

/** A model to be written with fewer layers. */
export interface Reduction {
  readonly source: string;
  readonly output: string;
  /** Layers to keep, counted from the first. */
  readonly layers: number;
  /** What stands before the number of a layer in the names of its tensors. */
  readonly prefix: string;
  /** Part of config.json that describes the layers; empty for its top. */
  readonly section: string;
  readonly onProgress?: WriteProgress;
}

/** What a reduction left. */
export interface ReducedModel {
  readonly tensors: number;
  readonly dropped: number;
  readonly layers: number;
  readonly originalLayers: number;
}

/** Writes a model folder with the first layers of another one: configuration and tensors agree, everything else is as it was. */
export async function reduceLayers(reduction: Reduction): Promise<ReducedModel> {
  const { source, output, layers, prefix, section } = reduction;
  const folder = await wholeFolder(source);
  const config = await readConfig(source);
  const reduced = reduceConfig(config, layers, section, join(source, 'config.json'));
  const kept = [...folder.tensors].filter(([name]) => (layerOf(name, prefix) ?? -1) < layers);
  if (!kept.some(([name]) => layerOf(name, prefix) === layers - 1)) {
    throw new TemperError('SourceMissing', {
      where: source,
      what: `no tensor begins with ${prefix}${layers - 1}.`,
      why: 'the layers of this model have other names',
    });
  }
  await makeModelFolder(output, async (dir) => {
    await copyCompanions(source, dir);
    await writeFileAtomic(join(dir, 'config.json'), `${JSON.stringify(reduced.config, null, 2)}\n`);
    const tensors = kept.map(([name, tensor]) => ({
      name,
      dtype: tensor.dtype,
      shape: tensor.shape,
      data: () => dataOf(folder, tensor),
    }));
    await writeModel(dir, tensors, reduction.onProgress === undefined ? {} : { onProgress: reduction.onProgress });
  });
  const dropped = folder.tensors.size - kept.length;
  return { tensors: kept.length, dropped, layers, originalLayers: reduced.originalLayers };
}

/** Number of the layer that a tensor belongs to; null for those of no layer. */
export function layerOf(name: string, prefix: string): number | null {
  if (!name.startsWith(prefix)) return null;
  const number = /^(\d+)\./.exec(name.slice(prefix.length))?.[1];
  return number === undefined ? null : Number(number);
}

async function readConfig(dir: string): Promise<Readonly<Record<string, unknown>>> {
  const path = join(dir, 'config.json');
  const config = parseJsonObject(await readFile(path).catch(() => Buffer.alloc(0)));
  if (config !== null) return config;
  throw new TemperError('SourceMissing', { where: path, what: 'it is not there or no JSON object' });
}

type Json = Readonly<Record<string, unknown>>;

/**
 * The configuration of a model with fewer layers. Lists with one entry per layer are cut; layers that stand behind the
 * counted ones, for predicting several tokens, are gone with the rest.
 */
export function reduceConfig(
  config: Json,
  layers: number,
  section: string,
  where: string,
): { readonly config: Json; readonly originalLayers: number } {
  const wrong = layersProblem(config, section, layers);
  if (wrong !== null)
    throw new TemperError(wrong.fix === undefined ? 'SourceMissing' : 'SpecInvalid', { where, ...wrong });
  const part = section === '' ? config : config[section];
  const original = isObject(part) ? part['num_hidden_layers'] : undefined;
  if (!isObject(part) || typeof original !== 'number') throw new TypeError('layers were found and are gone');
  const entries = Object.entries(part).map(([key, value]): [string, unknown] => {
    if (key === 'num_hidden_layers') return [key, layers];
    if (key === 'num_nextn_predict_layers' && layers < original) return [key, 0];
    return [key, Array.isArray(value) && value.length === original ? value.slice(0, layers) : value];
  });
  const reduced = Object.fromEntries(entries);
  return { config: section === '' ? reduced : { ...config, [section]: reduced }, originalLayers: original };
}
