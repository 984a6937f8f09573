import { describe, expect, it } from 'vitest';
import { isImageCut } from '../../../src/domain/data/estimate-tokens.js';
import type { TokenModel } from '../../../src/domain/data/estimate-tokens.js';
import type { Message } from '../../../src/domain/data/mllm-row.js';

/** One character is one token, one image 40. */
const MODEL: TokenModel = { imageMinPixels: 0, imageMaxPixels: 1e9, pixelsPerImageToken: 1, charsPerToken: 1 };
const SIZE = { width: 8, height: 5 };

/** A conversation from its lengths: text, then `i` for an image, then text, for each question; an answer after each. */
function row(...turns: readonly string[]): { images: string[]; messages: Message[] } {
  const messages = turns.map((turn, index): Message => ({
    role: index % 2 === 0 ? 'user' : 'assistant',
    content: turn.replace(/\d+/g, (length) => 'x'.repeat(Number(length))).replaceAll('i', '<image>'),
  }));
  const images = turns.join('').replace(/[^i]/g, '').split('');
  return { images, messages };
}

describe('an image in a sequence of 100 tokens', () => {
  it.each([
    ['fits whole', row('i10', '10'), false],
    ['lies before the cut of a long question', row('i200', '10'), false],
    ['lies behind a long question', row('80i', '10'), true],
    ['fits behind text when the answer is short', row('40i', '10'), false],
    ['is cut by a long answer that shares the room', row('30i', '200'), true],
    ['keeps its room when the question is less than half', row('i', '200'), false],
    ['of a later question fits', row('10', '10', 'i', '10'), false],
    ['of a later question finds no room', row('10', '60', 'i', '40'), true],
    ['of a question after the end', row('10', '200', 'i', '1'), true],
    ['is one of two of which the second is cut', row('ii30', '60'), true],
    ['is none in a long text', row('300', '300'), false],
  ])('%s', (_, conversation, isCut) => {
    const sizes = conversation.images.map(() => SIZE);
    expect(isImageCut(conversation, sizes, MODEL, 100)).toBe(isCut);
  });
});
