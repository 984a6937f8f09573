import { resolve } from 'node:path';
import { readNetwork } from '../../config.js';
import { EXIT } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { runFetch } from '../../host/download/run-fetch.js';
import type { CommandContext } from '../context.js';
import { fetchText } from '../render/fetch.js';
import { wishOf, type WishFlags } from '../model-wish.js';
import { tellTransfer } from '../transfer-progress.js';

/** Options of `temper fetch`. */
export interface FetchFlags extends WishFlags {
  readonly output: string;
  readonly file?: boolean;
  readonly model?: boolean;
  readonly cache?: string;
  readonly manifest?: string;
  readonly sha256?: string;
  readonly offline?: boolean;
}

/** `temper fetch SOURCE`: downloads and verifies; what an interrupted one has brought stays for the next. */
export async function fetch({ output, io }: CommandContext, source: string, flags: FetchFlags): Promise<ExitStatus> {
  const stop = new AbortController();
  const off = io.onInterrupt(() => stop.abort());
  const progress = tellTransfer(output, source);
  const path = (text: string | undefined): string | undefined =>
    text === undefined ? undefined : resolve(io.cwd, text);
  try {
    const manifest = await runFetch({
      source,
      output: resolve(io.cwd, flags.output),
      cache: path(flags.cache),
      manifest: path(flags.manifest),
      sha256: flags.sha256,
      isFile: flags.file ?? false,
      isModel: flags.model ?? false,
      wish: wishOf(flags),
      isOffline: flags.offline ?? false,
      network: readNetwork(io.env),
      signal: stop.signal,
      onProgress: progress.tell,
      note: progress.note,
    });
    progress.end();
    output.result(manifest, (paint) => fetchText(manifest, flags.output, paint));
    return EXIT.ok;
  } catch (error) {
    progress.end();
    if (!stop.signal.aborted) throw error;
    output.note('interrupted; what was downloaded stays, and the same command goes on from there');
    return EXIT.interrupted;
  } finally {
    off();
  }
}
