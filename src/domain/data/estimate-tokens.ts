import { IMAGE_PLACEHOLDER } from './mllm-row.js';
import type { MllmRow } from './mllm-row.js';

/** Width and height of an image in pixels. */
export interface PixelSize {
  readonly width: number;
  readonly height: number;
}

/** How a recipe turns text and images into tokens, roughly. */
export interface TokenModel {
  /** Images smaller than this many pixels are scaled up to it. */
  readonly imageMinPixels: number;
  /** Images larger than this many pixels are scaled down to it. */
  readonly imageMaxPixels: number;
  /** Pixels that become one token: (patch size x merge size) squared. */
  readonly pixelsPerImageToken: number;
  /** Characters of text that become one token. */
  readonly charsPerToken: number;
}

/** Estimated tokens of one row, whole numbers rounded up. */
export interface TokenEstimate {
  readonly text: number;
  readonly images: number;
}

/** Estimates the tokens of a row whose images have the given sizes; template tokens are not counted. */
export function estimateTokens(row: MllmRow, sizes: readonly PixelSize[], model: TokenModel): TokenEstimate {
  let chars = 0;
  for (const message of row.messages) chars += message.content.length;
  chars -= row.images.length * IMAGE_PLACEHOLDER.length;
  let images = 0;
  for (const size of sizes) images += imageTokens(size, model);
  return { text: Math.ceil(Math.max(0, chars) / model.charsPerToken), images };
}

function imageTokens(size: PixelSize, model: TokenModel): number {
  const pixels = Math.min(Math.max(size.width * size.height, model.imageMinPixels), model.imageMaxPixels);
  return Math.ceil(pixels / model.pixelsPerImageToken);
}
