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
  /** Characters of text in Latin letters that become one token. */
  readonly charsPerToken: number;
}

/**
 * Characters of a token in other writing: of Chinese, Japanese and Korean the tokenizers of today's
 * models take 1 to 1.6. A row that is told to be longer than it is costs a warning, one that is told to be shorter its end.
 */
const CJK_CHARS_PER_TOKEN = 1.3;
/** Cyrillic, Arabic, Thai and others: between the two. */
const OTHER_CHARS_PER_TOKEN = 2;
const NOT_LATIN = /[\u0370-\u1fff\u2070-\uffff]/;
const CJK = /[\u2e80-\uffff]/g;
const OTHER = /[\u0370-\u1fff\u2070-\u2e7f]/g;

/** Estimated tokens of one row, whole numbers rounded up. */
export interface TokenEstimate {
  readonly text: number;
  readonly images: number;
}

/** Estimates the tokens of a row whose images have the given sizes; template tokens are not counted. */
export function estimateTokens(row: MllmRow, sizes: readonly PixelSize[], model: TokenModel): TokenEstimate {
  let text = -(row.images.length * IMAGE_PLACEHOLDER.length) / model.charsPerToken;
  for (const message of row.messages) text += textTokens(message.content, model);
  let images = 0;
  for (const size of sizes) images += imageTokens(size, model);
  return { text: Math.ceil(Math.max(0, text)), images };
}

function textTokens(text: string, { charsPerToken }: TokenModel): number {
  if (!NOT_LATIN.test(text)) return text.length / charsPerToken;
  const cjk = text.match(CJK)?.length ?? 0;
  const other = text.match(OTHER)?.length ?? 0;
  return (
    (text.length - cjk - other) / charsPerToken +
    cjk / Math.min(CJK_CHARS_PER_TOKEN, charsPerToken) +
    other / Math.min(OTHER_CHARS_PER_TOKEN, charsPerToken)
  );
}

/**
 * Whether an image lies, wholly or in part, where the loader cuts. It takes pairs of question and answer in turn and
 * shares what is left of the sequence between the two by their lengths; an answer that is long cuts its question too.
 */
export function isImageCut(
  { messages }: MllmRow,
  sizes: readonly PixelSize[],
  model: TokenModel,
  sequenceLength: number,
): boolean {
  let left = sequenceLength;
  let next = 0;
  for (let index = 0; index + 1 < messages.length; index += 2) {
    const parts = (messages[index]?.content ?? '').split(IMAGE_PLACEHOLDER);
    let length = 0;
    let imageEnd = 0;
    for (const [part, text] of parts.entries()) {
      length += textTokens(text, model);
      if (part === parts.length - 1) break;
      const size = sizes[next];
      next += 1;
      length += size === undefined ? 0 : imageTokens(size, model);
      imageEnd = length;
    }
    const answer = textTokens(messages[index + 1]?.content ?? '', model);
    const taken = shareLength(length, answer, left);
    if (imageEnd > taken.question) return true;
    left -= taken.question + taken.answer;
  }
  return false;
}

/** How much of a question and its answer fits: the shorter one whole where it is less than half, else both in proportion. */
function shareLength(question: number, answer: number, left: number): { question: number; answer: number } {
  const room = Math.max(0, left);
  const most = answer * 2 < room ? room : question * 2 < room ? room - question : (room * answer) / (question + answer);
  const takenAnswer = Math.min(most, answer);
  return { question: Math.min(Math.max(room - takenAnswer, 0), question), answer: takenAnswer };
}

function imageTokens(size: PixelSize, model: TokenModel): number {
  const pixels = Math.min(Math.max(size.width * size.height, model.imageMinPixels), model.imageMaxPixels);
  return Math.ceil(pixels / model.pixelsPerImageToken);
}
