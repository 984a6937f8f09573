import type { TokenModel } from '../../domain/data/estimate-tokens.js';
import type { DataCheckReport, DataProgress } from '../../schemas/data.js';
import { checkMllm } from './check-mllm.js';

/** Options of `temper data check`; what is left out is not judged (lengths) or takes the default of the model. */
export interface DataCheckOptions {
  readonly file: string;
  readonly images?: string | undefined;
  /** Tokens a row may have; without it rows are never too long. */
  readonly sequenceLength?: number;
  /** Rows one step takes over all ranks; without it one row is enough. */
  readonly worldBatch?: number;
  readonly tokens?: Partial<TokenModel>;
  /** Whether the training program takes a path with white space; the pinned upstream one does not. */
  readonly allowSpaces?: boolean;
  readonly reservedTokens?: readonly string[];
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: DataProgress) => void;
}

/**
 * Vision towers with patches of 14 pixels merged 2 x 2 make one token of 28 x 28 pixels; English text has about
 * 3.5 characters a token, other writing fewer. Images are not scaled unless the caller says so.
 */
export const DEFAULT_TOKEN_MODEL: TokenModel = {
  imageMinPixels: 0,
  imageMaxPixels: Number.MAX_SAFE_INTEGER,
  pixelsPerImageToken: 28 * 28,
  charsPerToken: 3.5,
};

/** Core of `temper data check`: fills in what the command line leaves out, checks, reports. */
export async function runDataCheck(options: DataCheckOptions): Promise<DataCheckReport> {
  const { images: imageRoot, sequenceLength = Number.MAX_SAFE_INTEGER, worldBatch = 1, tokens, ...rest } = options;
  return checkMllm({ ...rest, imageRoot, sequenceLength, worldBatch, tokens: { ...DEFAULT_TOKEN_MODEL, ...tokens } });
}
