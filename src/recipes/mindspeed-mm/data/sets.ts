import { join } from 'node:path';
import type { DataSource } from '../../../schemas/spec-data.js';
import type { PipelineSpec } from '../../../schemas/spec.js';

/** A data set that is read from files, which is every one but the synthetic ones of another recipe. */
export type ReadSet = Exclude<DataSource, { format: 'synthetic' }>;

/** How the rows of one data set reach the loader. */
export interface PreparedSet {
  readonly set: ReadSet;
  /** Whether its rows are written anew into the stage's output; ready rows are used where they lie when they can be. */
  readonly isWritten: boolean;
}

/** Folder that image names in written rows are relative to: they name files by their whole path. */
export const WHOLE_PATHS = '/';

/**
 * The loader (datasets 3.6 and 5.2) reads JSON Lines in parts of 10 MiB and takes the columns from the first: where that
 * has text only, the first image ends it. An array it reads as a whole.
 */
const JSON_LINES = /\.(jsonl|ndjson)$/i;

/**
 * Texts that ask for what is not there: tokens of GLM-4.5V that its processor fills with an image or a film, and the
 * loader's own placeholders of films and sounds, of which rows have none.
 */
export const RESERVED_TOKENS: readonly string[] = ['<|image|>', '<|video|>', '<video>', '<audio>'].flatMap((token) => [
  '--reserved-token',
  token,
]);

/**
 * Data sets in the order of the loader. It takes the columns of all files, and what an image is, from the first file:
 * where that one has text only, the first image of a later one ends it. So sets with images come first.
 *
 * The loader knows one images folder. Rows are used as they lie only where nothing else has a say in it: one set of
 * ready rows, all of them, its images in a folder that is there. All others are written anew, with the same columns
 * and image names below one root.
 */
export function preparedSets({ data }: Pick<PipelineSpec, 'data'>): readonly PreparedSet[] {
  const sets = data.filter((set) => set.format !== 'synthetic');
  const isAlone = sets.length === 1;
  const prepared = sets.map((set) => ({ set, isWritten: !(isAlone && isReady(set)) }));
  const hasImages = ({ set }: PreparedSet): boolean => set.images !== undefined;
  return [...prepared.filter(hasImages), ...prepared.filter((one) => !hasImages(one))];
}

function isReady({ format, maxSamples, images, annotations }: ReadSet): boolean {
  const isUnpacked = images?.zip !== undefined || images?.hub !== undefined;
  return format === 'mllm' && maxSamples === undefined && !isUnpacked && !JSON_LINES.test(annotations);
}

/**
 * Prefix that turns a name below `folder` into one below the root of whole paths. The dot keeps it relative, so that
 * every revision's loader joins it to `dataset_dir` instead of taking it for a path of its own.
 */
export function wholePathPrefix(folder: string): string {
  return `.${join(WHOLE_PATHS, folder)}`;
}

/** Name of the output that holds the rows of a data set; numbers keep the order. */
export function rowsOutput(index: number): string {
  return `rows.${index}`;
}

/** Files of rows among the outputs of the data stage, in the order of the loader. */
export function rowFiles(
  spec: Pick<PipelineSpec, 'data'>,
  outputs: Readonly<Record<string, string>> = {},
): readonly string[] {
  return preparedSets(spec).map(({ set }, index) => {
    const file = outputs[rowsOutput(index)];
    if (file === undefined) throw new TypeError(`the stage data left no rows of ${set.name}`);
    return file;
  });
}
