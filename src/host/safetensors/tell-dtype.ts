import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { TemperError } from '../../domain/errors.js';
import { isObject, parseJsonObject } from './header.js';

/** The fields of config.json that name the number format of the weights: the new name and the old one. */
const FIELDS = ['dtype', 'torch_dtype'] as const;

/**
 * Makes a config.json tell the truth about the weights: every field that names a dtype, at the top and in the parts for
 * text and vision, names this one. Without any such field the old name is added, which all versions read.
 */
export async function tellDtype(sourceDir: string, targetDir: string, torchName: string): Promise<void> {
  const path = join(sourceDir, 'config.json');
  const config = parseJsonObject(await readFile(path).catch(() => Buffer.alloc(0)));
  if (config === null) throw new TemperError('ProofFailed', { where: path, what: 'config.json is missing or damaged' });
  const told = Object.fromEntries(
    Object.entries(withDtype(config, torchName)).map(([key, part]) => [
      key,
      isObject(part) ? withDtype(part, torchName) : part,
    ]),
  );
  const isTold = [told, ...Object.values(told).filter(isObject)].some((part) => FIELDS.some((field) => field in part));
  const whole = isTold ? told : { ...told, torch_dtype: torchName };
  await writeFileAtomic(join(targetDir, 'config.json'), `${JSON.stringify(whole, null, 2)}\n`);
}

function withDtype(part: Readonly<Record<string, unknown>>, torchName: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(part).map(([key, value]) => [
      key,
      FIELDS.some((field) => field === key) && typeof value === 'string' ? torchName : value,
    ]),
  );
}
