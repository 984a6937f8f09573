import { resolve } from 'node:path';
import { EXIT } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { runUnzip } from '../../host/archive/run-unzip.js';
import type { CommandContext } from '../context.js';
import { unzipText } from '../render/fetch.js';
import { tellTransfer } from '../transfer-progress.js';

/** Options of `temper unzip`. */
export interface UnzipFlags {
  readonly output: string;
  readonly sha256?: string;
  readonly removeZip?: boolean;
}

/** `temper unzip ZIP`: unpacks and checks; an interrupted one is continued by the next. */
export async function unzip({ output, io }: CommandContext, zip: string, flags: UnzipFlags): Promise<ExitStatus> {
  const stop = new AbortController();
  const off = io.onInterrupt(() => stop.abort());
  const progress = tellTransfer(output, zip);
  try {
    const report = await runUnzip({
      zip: resolve(io.cwd, zip),
      output: resolve(io.cwd, flags.output),
      sha256: flags.sha256,
      isZipRemoved: flags.removeZip ?? false,
      signal: stop.signal,
      onProgress: progress.tell,
    });
    progress.end();
    output.result(report, (paint) => unzipText(report, paint));
    return EXIT.ok;
  } catch (error) {
    progress.end();
    if (!stop.signal.aborted) throw error;
    output.note('interrupted; what was unpacked stays, and the same command goes on from there');
    return EXIT.interrupted;
  } finally {
    off();
  }
}
