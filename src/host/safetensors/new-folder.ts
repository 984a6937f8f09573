import { cp, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { TemperError } from '../../domain/errors.js';
import { makeFolder } from '../make-folder.js';
import { readModelFolder, type ModelFolder } from './model-folder.js';

/** The model folder at a place, or the error of one that is not whole. */
export async function wholeFolder(dir: string): Promise<ModelFolder> {
  const folder = await readModelFolder(dir);
  const [first] = folder.problems;
  if (first === undefined) return folder;
  throw new TemperError('SourceMissing', {
    where: first.where,
    what: first.what,
    why: first.why,
    fix: first.fix,
    evidence: folder.problems.map(({ where, what }) => `${where}: ${what}`),
  });
}

/**
 * Makes a model folder that appears whole or not at all: filled beside its place, then renamed. What a killed maker
 * left beside it is removed first.
 */
export async function makeModelFolder(output: string, fill: (dir: string) => Promise<void>): Promise<void> {
  if ((await stat(output).catch(() => null)) !== null) {
    throw new TemperError('UsageInvalid', {
      where: output,
      what: 'the output is there already',
      fix: 'give a new folder, or remove it',
    });
  }
  const partial = join(dirname(output), `.${basename(output)}.partial`);
  await rm(partial, { recursive: true, force: true });
  await makeFolder(partial);
  await fill(partial);
  await rename(partial, output);
}

/** Copies everything of a model folder but its weights and their index. */
export async function copyCompanions(from: string, to: string): Promise<void> {
  await cp(from, to, {
    recursive: true,
    // Hubs' download folders hold links into a cache.
    dereference: true,
    filter: (path) => !isWeights(relative(from, path)),
  });
}

function isWeights(path: string): boolean {
  return (
    /\.safetensors(\.index\.json)?$/.test(path) || path.split('/').some((part) => part === '.git' || part === '.cache')
  );
}
