import fc from 'fast-check';
import { expect, it } from 'vitest';
import { mllmLine, quoteJson } from '../../../src/domain/data/mllm-line.js';

/** Characters that JSON treats in ways of their own, lone halves of characters included, among usual ones. */
const odd = fc.constantFrom(
  '"',
  '\\',
  '\n',
  '\r',
  '\t',
  '\u0000',
  '\u001f',
  '\u007f',
  '\u2028',
  '\ud800',
  '\udfff',
  '😀',
  'é',
  '$&',
  '/',
);
const text = fc.array(fc.oneof(odd, fc.string({ unit: 'binary' })), { maxLength: 12 }).map((parts) => parts.join(''));

it('a text is quoted as JSON.stringify quotes it', () => {
  fc.assert(
    fc.property(text, (one) => {
      expect(quoteJson(one)).toBe(JSON.stringify(one));
    }),
  );
});

it('a row is written as JSON.stringify writes it', () => {
  const message = fc.record({ role: fc.constantFrom('user' as const, 'assistant' as const), content: text });
  fc.assert(
    fc.property(fc.array(text, { maxLength: 3 }), fc.array(message, { maxLength: 4 }), (images, messages) => {
      expect(mllmLine(images, messages)).toBe(JSON.stringify({ images, messages }));
    }),
  );
});
