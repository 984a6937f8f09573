import { describe, expect, it } from 'vitest';
import type { MllmRow } from '../../../src/domain/data/mllm-row.js';
import { estimateTokens, isImageCut } from '../../../src/domain/data/estimate-tokens.js';

const MODEL = { imageMinPixels: 0, imageMaxPixels: 1e9, pixelsPerImageToken: 784, charsPerToken: 3.5 };
const row = (question: string, answer = '', images: string[] = []): MllmRow => ({
  images,
  messages: [
    { role: 'user', content: question },
    { role: 'assistant', content: answer },
  ],
});

describe('tokens of a text', () => {
  it.each([
    ['English', 'What colour is the bus? It’s red — I think…', 13],
    ['French', 'Où est le garçon à côté de la fenêtre ?', 12],
    ['Chinese', '\u56fe\u7247\u4e2d\u7684\u516c\u4ea4\u8f66\u662f\u4ec0\u4e48\u989c\u8272\uff1f', 10],
    ['Japanese', '\u30d0\u30b9\u306f\u4f55\u8272\u3067\u3059\u304b\u3002', 7],
    ['Korean', '\ubc84\uc2a4\ub294 \ubb34\uc2a8 \uc0c9\uc785\ub2c8\uae4c', 8],
    ['Russian', '\u0430\u0432\u0442\u043e\u0431\u0443\u0441', 4],
    ['mixed', 'GLM-4.5V \u6a21\u578b', 5],
    ['emoji', '\u{1f600}\u{1f600}', 4],
  ])('%s', (_name, text, tokens) => {
    expect(estimateTokens(row(text), [], MODEL).text).toBe(tokens);
    expect(estimateTokens(row('', text), [], MODEL).text).toBe(tokens);
  });

  it('do not count the places of images', () => {
    const size = { width: 28, height: 28 };
    expect(estimateTokens(row('<image>\u56fe', '', ['a']), [size], MODEL)).toEqual({ text: 1, images: 1 });
  });

  it('push an image out of the sequence behind a Chinese question that fits by its characters only', () => {
    const size = { width: 280, height: 280 };
    const behind = row(`${'\u56fe'.repeat(120)}<image>`, 'a', ['a']);
    expect(isImageCut(behind, [size], MODEL, 150)).toBe(true);
    expect(isImageCut(row(`${'x'.repeat(120)}<image>`, 'a', ['a']), [size], MODEL, 150)).toBe(false);
  });
});
