import { resolve } from 'node:path';
import { EXIT, TemperError } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { copyCheckpoint } from '../../host/local-copy/copy-checkpoint.js';
import { findRecipe } from '../../recipes/registry.js';
import type { CommandContext } from '../context.js';
import { showBytes } from '../../domain/text/show-bytes.js';
import { tellWriteProgress } from '../write-progress.js';

/** `temper checkpoint copy DIR --output FOLDER`: a copy on another disk, every byte compared; one that is there is used again. */
export async function checkpointCopy(
  { output, io }: CommandContext,
  dir: string,
  options: { readonly output: string; readonly recipe: string },
): Promise<ExitStatus> {
  const recipe = findRecipe(options.recipe);
  if (recipe === null)
    throw new TemperError('RecipeUnknown', {
      where: '--recipe',
      what: `there is no recipe ${JSON.stringify(options.recipe)}`,
    });
  const stop = new AbortController();
  const off = io.onInterrupt(() => stop.abort());
  const progress = tellWriteProgress(output, 'copy');
  try {
    const { copy, isReused } = await copyCheckpoint({
      source: resolve(io.cwd, dir),
      output: resolve(io.cwd, options.output),
      contract: recipe.checkpoint,
      signal: stop.signal,
      onProgress: progress.tell,
    });
    const { source, bytes, files } = copy;
    output.result({ v: 1, source, output: options.output, bytes, files: files.length, isReused }, () =>
      isReused
        ? `${options.output}: was copied before and is as its original (${showBytes(bytes)})`
        : `${options.output}: ${files.length} files, ${showBytes(bytes)}, equal to ${source}`,
    );
    return EXIT.ok;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    output.note('interrupted; nothing stands under the name');
    return EXIT.interrupted;
  } finally {
    progress.end();
    off();
  }
}
