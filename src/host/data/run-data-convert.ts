import { DataFailure } from '../../domain/data/failures.js';
import { parseFraction } from '../../domain/data/fraction.js';
import type { DataConvertReport, DataProgress } from '../../schemas/data.js';
import { convertLlava } from './convert-llava.js';

/** Options of `temper data convert`, as they stand on the command line. */
export interface DataConvertOptions {
  /** Format of the input; only `llava` is known. */
  readonly format: string;
  readonly annotations: string;
  readonly images?: string | undefined;
  readonly output: string;
  /** Accepted share of dropped rows: `0.1%` or `0.001`. */
  readonly maxDropped?: string;
  readonly mediaPrefix?: string;
  readonly maxSamples?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: DataProgress) => void;
}

/** Core of `temper data convert`: reads the options, converts, reports; every refusal is a `DataFailure`. */
export async function runDataConvert(options: DataConvertOptions): Promise<DataConvertReport> {
  const { format, images: imagesDir, maxDropped, ...rest } = options;
  if (format !== 'llava')
    throw new DataFailure('data/bad-option', { what: `format ${format} is not known; llava is`, where: '--format' });
  if (maxDropped === undefined) return convertLlava({ ...rest, imagesDir });
  const share = parseFraction(maxDropped);
  if (share === undefined) {
    throw new DataFailure('data/bad-option', {
      what: `${maxDropped} is no share; write 0.1% or 0.001`,
      where: '--max-dropped',
    });
  }
  return convertLlava({ ...rest, imagesDir, maxDropped: share });
}
