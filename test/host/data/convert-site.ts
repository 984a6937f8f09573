import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DataFailure } from '../../../src/domain/data/failures.js';
import type { ConvertRowsOptions } from '../../../src/host/data/convert-rows.js';
import { put, scratchFolder } from './support.js';

/** A folder with images, annotations and a folder for the output. */
export interface Site {
  readonly folder: string;
  readonly options: ConvertRowsOptions & { readonly imagesDir: string };
}

/** Makes annotations and empty image files. */
export function site(content: unknown, images: readonly string[] = ['a.jpg']): Site {
  const folder = scratchFolder();
  mkdirSync(join(folder, 'images'));
  for (const image of images) put(folder, `images/${image}`, '');
  const annotations = put(folder, 'llava.json', typeof content === 'string' ? content : JSON.stringify(content));
  mkdirSync(join(folder, 'out'));
  return { folder, options: { annotations, imagesDir: join(folder, 'images'), output: join(folder, 'out/mllm.json') } };
}

/** The rows of the output. */
export function written(options: ConvertRowsOptions): unknown {
  return JSON.parse(readFileSync(options.output, 'utf8'));
}

/** Everything in the folder of the output. */
export function outputFolder({ folder }: Site): string[] {
  return readdirSync(join(folder, 'out'));
}

/** The `DataFailure` that a promise is rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<DataFailure> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof DataFailure) return error;
  throw new Error('no DataFailure was thrown', { cause: error });
}
