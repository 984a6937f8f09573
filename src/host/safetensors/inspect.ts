import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelReport } from '../../schemas/model-report.js';
import { isObject, parseJsonObject } from './header.js';
import { wholeFolder } from './new-folder.js';

/** Looks at a model folder as a whole: headers, index, sizes and configuration; never at tensor data. */
export async function inspectModel(dir: string): Promise<ModelReport> {
  const { tensors, shards, totalBytes } = await wholeFolder(dir);
  const config = parseJsonObject(await readFile(join(dir, 'config.json')).catch(() => Buffer.alloc(0))) ?? {};
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
