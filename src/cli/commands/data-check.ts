import { resolve } from 'node:path';
import { EXIT } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { runDataCheck } from '../../host/data/run-data-check.js';
import { writeJsonFile } from '../../host/json-file.js';
import type { CommandContext } from '../context.js';
import { tellDataProgress } from '../data-progress.js';
import { checkText } from '../render/data.js';
import { reportPath } from '../report-path.js';

/** Options of `temper data check`. */
export interface DataCheckFlags {
  readonly images?: string;
  readonly sequenceLength?: number;
  readonly worldBatch?: number;
  readonly imageMinPixels?: number;
  readonly imageMaxPixels?: number;
  /** The training program takes a path with white space. */
  readonly allowSpaces?: boolean;
  /** Texts that the model's tokenizer takes for something else. */
  readonly reservedToken?: readonly string[];
  /** File that gets the report as JSON as well. */
  readonly report?: string;
}

/** `temper data check FILE`: whether training would use every row of an MLLM file; exit 1 when not. */
export async function dataCheck(
  { output, io }: CommandContext,
  file: string,
  flags: DataCheckFlags,
): Promise<ExitStatus> {
  const { report, images, imageMinPixels, imageMaxPixels, reservedToken = [], ...limits } = flags;
  const reportFile =
    report === undefined ? undefined : await reportPath(resolve(io.cwd, report), resolve(io.cwd, file));
  const stop = new AbortController();
  const off = io.onInterrupt(() => stop.abort());
  const progress = tellDataProgress(output);
  try {
    const answer = await runDataCheck({
      ...limits,
      reservedTokens: reservedToken,
      tokens: {
        ...(imageMinPixels === undefined ? {} : { imageMinPixels }),
        ...(imageMaxPixels === undefined ? {} : { imageMaxPixels }),
      },
      file: resolve(io.cwd, file),
      images: images === undefined ? undefined : resolve(io.cwd, images),
      signal: stop.signal,
      onProgress: progress.tell,
    });
    progress.end();
    if (reportFile !== undefined) await writeJsonFile(reportFile, answer);
    output.result(answer, (paint) => checkText(answer, paint));
    return answer.ok ? EXIT.ok : EXIT.failed;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    output.note('interrupted');
    return EXIT.interrupted;
  } finally {
    off();
  }
}
