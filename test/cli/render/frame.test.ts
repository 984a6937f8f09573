import { expect, it } from 'vitest';
import { excerpt } from '../../../src/cli/render/frame.js';

const at = { id: 'schema/type', line: 1, col: 3 };

it('quotes the line with a mark under the column', () => {
  expect(excerpt(at, '  seed: x')).toEqual(['1 |   seed: x', '  |   ^']);
});

it.each([
  ['a name of secrets', '  HF_TOKEN: hush'],
  ['a password in an address', '  url: https://me:hush@example.org/a.git'],
  ['a secret parameter', '  annotations: https://example.org/a?private_token=hush'],
  ["a hub's token", '  VALUE: hf_abcdefghijkl'],
])('quotes no line with %s, whatever the problem is', (_name, text) => {
  expect(excerpt(at, text)).toEqual([]);
});
