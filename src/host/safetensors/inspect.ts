import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TemperError } from '../../domain/errors.js';
import { dtypeProblem, modelConfigProblems, type ModelWish } from '../../domain/model-config.js';
import { absentTensors } from '../../domain/model-tensors.js';
import type { ModelReport } from '../../schemas/model-report.js';
import { isObject, parseJsonObject } from './json-object.js';
import { wholeFolder } from './new-folder.js';

/**
 * Looks at a model folder as a whole: headers, index, sizes and configuration; never at tensor data. With a wish it must
 * be the model that is needed.
 */
export async function inspectModel(dir: string, wish: ModelWish | null = null): Promise<ModelReport> {
  const file = join(dir, 'config.json');
  if (wish !== null) await assertConfig(file, wish);
  const { tensors, shards, totalBytes } = await wholeFolder(dir);
  const strange = wish === null ? null : dtypeProblem([...tensors.values()].map(({ dtype }) => dtype));
  if (strange !== null) throw new TemperError('SpecInvalid', { where: dir, ...strange });
  const config = (await readConfig(file)) ?? {};
  const absent = wish === null ? null : absentTensors(config, new Set(tensors.keys()));
  if (absent !== null) throw new TemperError('ProofFailed', { where: dir, ...absent });
  const text = isObject(config['text_config']) ? config['text_config'] : config;
  const layers = text['num_hidden_layers'];
  const type = config['model_type'];
  return {
    v: 1,
    bytes: totalBytes,
    tensors: tensors.size,
    shards: shards.length,
    layers: typeof layers === 'number' ? layers : null,
    modelType: typeof type === 'string' ? type : null,
  };
}

/** Throws what makes a model unfit by its config.json at `file`; `name` is what the error calls it. */
export async function assertConfig(file: string, wish: ModelWish, name = file): Promise<void> {
  const config = await readConfig(file);
  if (config === null)
    throw new TemperError('SourceMissing', { where: name, what: 'it is not there or no JSON object' });
  const [first, ...others] = modelConfigProblems(config, wish);
  if (first === undefined) return;
  const evidence = others.length === 0 ? {} : { evidence: others.map(({ what }) => what) };
  throw new TemperError('SpecInvalid', { where: name, ...first, ...evidence });
}

async function readConfig(file: string): Promise<Readonly<Record<string, unknown>> | null> {
  return parseJsonObject(await readFile(file).catch(() => Buffer.alloc(0)));
}
