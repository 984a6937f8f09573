import { DataFailure } from '../../domain/data/failures.js';
import { parseFraction } from '../../domain/data/fraction.js';
import { DataFormatSchema } from '../../schemas/data.js';
import type { DataConvertReport, DataProgress } from '../../schemas/data.js';
import { convertRows } from './convert-rows.js';

/** Options of `temper data convert`, as they stand on the command line. */
export interface DataConvertOptions {
  /** Format of the input: `llava` or `mllm`. */
  readonly format: string;
  readonly annotations: string;
  readonly images?: string | undefined;
  readonly output: string;
  /** Accepted share of dropped rows: `0.1%` or `0.001`. */
  readonly maxDropped?: string;
  readonly isOnlyFolderEntered?: boolean;
  readonly mediaPrefix?: string;
  readonly maxSamples?: number | undefined;
  readonly reservedTokens?: readonly string[];
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: DataProgress) => void;
}

/** Core of `temper data convert`: reads the options, converts, reports; every refusal is a `DataFailure`. */
export async function runDataConvert(options: DataConvertOptions): Promise<DataConvertReport> {
  const { format: name, images: imagesDir, maxDropped, ...rest } = options;
  const format = DataFormatSchema.safeParse(name).data;
  if (format === undefined) {
    const what = `format ${name} is not known; ${DataFormatSchema.options.join(' and ')} are`;
    throw new DataFailure('data/bad-option', { what, where: '--format' });
  }
  if (maxDropped === undefined) return convertRows({ ...rest, format, imagesDir });
  const share = parseFraction(maxDropped);
  if (share === undefined) {
    throw new DataFailure('data/bad-option', {
      what: `${maxDropped} is no share; write 0.1% or 0.001`,
      where: '--max-dropped',
    });
  }
  return convertRows({ ...rest, format, imagesDir, maxDropped: share });
}
