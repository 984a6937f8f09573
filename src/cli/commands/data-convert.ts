import { resolve } from 'node:path';
import { DataFailure } from '../../domain/data/failures.js';
import { EXIT } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { writeJsonFile } from '../../host/json-file.js';
import { runDataConvert } from '../../host/data/run-data-convert.js';
import type { CommandContext } from '../context.js';
import { tellDataProgress } from '../data-progress.js';
import { convertText, refusedText } from '../render/data.js';
import { reportPath } from '../report-path.js';

/** Options of `temper data convert`. */
export interface DataConvertFlags {
  readonly format: string;
  readonly annotations: string;
  readonly images?: string;
  readonly enterOnlyFolder?: boolean;
  readonly output: string;
  readonly maxDropped?: string;
  readonly mediaPrefix?: string;
  readonly maxSamples?: number;
  /** Texts that the model's tokenizer takes for something else. */
  readonly reservedToken?: readonly string[];
  /** File that gets the report as JSON as well. */
  readonly report?: string;
}

/** `temper data convert`: rows of another format to the MLLM format; Ctrl-C leaves nothing half-written. */
export async function dataConvert({ output, io }: CommandContext, flags: DataConvertFlags): Promise<ExitStatus> {
  const { enterOnlyFolder = false, reservedToken = [], report, ...given } = flags;
  const annotations = resolve(io.cwd, flags.annotations);
  const reportFile = report === undefined ? undefined : await reportPath(resolve(io.cwd, report), annotations);
  const stop = new AbortController();
  const off = io.onInterrupt(() => stop.abort());
  const progress = tellDataProgress(output);
  try {
    const answer = await runDataConvert({
      ...given,
      isOnlyFolderEntered: enterOnlyFolder,
      reservedTokens: reservedToken,
      annotations,
      images: flags.images === undefined ? undefined : resolve(io.cwd, flags.images),
      output: resolve(io.cwd, flags.output),
      signal: stop.signal,
      onProgress: progress.tell,
    });
    progress.end();
    if (reportFile !== undefined) await writeJsonFile(reportFile, answer);
    output.result(answer, (paint) => convertText(answer, paint));
    return EXIT.ok;
  } catch (error) {
    progress.end();
    // What was dropped, and why, is the answer to a conversion that was refused for it.
    if (error instanceof DataFailure && error.report !== undefined) {
      const { report: refused } = error;
      if (reportFile !== undefined) await writeJsonFile(reportFile, refused);
      output.result(refused, (paint) => refusedText(refused, paint));
    }
    if (!stop.signal.aborted) throw error;
    output.note('interrupted; nothing was written');
    return EXIT.interrupted;
  } finally {
    off();
  }
}
