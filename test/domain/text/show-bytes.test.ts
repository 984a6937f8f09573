import { expect, it } from 'vitest';
import { showBytes } from '../../../src/domain/text/show-bytes.js';

it.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_500, '1.5 KB'],
  [215_000_000_000, '215 GB'],
  [1e20, '100000 PB'],
])('%d bytes are %s', (bytes, text) => {
  expect(showBytes(bytes)).toBe(text);
});
