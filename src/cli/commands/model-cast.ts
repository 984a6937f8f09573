import { resolve } from 'node:path';
import { EXIT } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { castModel } from '../../host/safetensors/cast-model.js';
import type { ExportDtype } from '../../schemas/model-files.js';
import type { CommandContext } from '../context.js';
import { showBytes, showDuration } from '../render/units.js';

export interface ModelCastFlags {
  readonly like: string;
  readonly dtype: ExportDtype;
  readonly output?: string;
  readonly removeSource?: boolean;
}

/** `temper model cast`: an exported model in the number formats of its original; Ctrl-C stops between two shards. */
export async function modelCast(
  { output, io }: CommandContext,
  dir: string,
  flags: ModelCastFlags,
): Promise<ExitStatus> {
  const stop = new AbortController();
  const off = io.onInterrupt(() => stop.abort());
  try {
    const report = await castModel({
      source: resolve(io.cwd, dir),
      like: resolve(io.cwd, flags.like),
      dtype: flags.dtype,
      output: flags.output === undefined ? null : resolve(io.cwd, flags.output),
      removeSource: flags.removeSource ?? false,
      signal: stop.signal,
      onShard: (done, of) => output.note(`shard ${done} of ${of}`),
    });
    output.result(
      report,
      () =>
        `${report.cast} tensors cast to ${flags.dtype}, ${report.kept} kept; ${showBytes(report.bytes)} in ${showDuration(report.ms)}`,
    );
    return EXIT.ok;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    output.note('interrupted; call it again to write everything anew');
    return EXIT.interrupted;
  } finally {
    off();
  }
}
