import { expect, it } from 'vitest';
import { hideSecrets, looksSecret } from '../../../src/domain/text/hide-secrets.js';

it.each([
  ['clone https://oauth2:hush@example.org/a.git', 'clone https://…@example.org/a.git'],
  ['https://hush@example.org/a', 'https://…@example.org/a'],
  ['https://me:p@hush@example.org/a', 'https://…@example.org/a'],
  ['ssh://git:hush@example.org/a', 'ssh://…@example.org/a'],
  ['ssh://git@example.org/a', 'ssh://git@example.org/a'],
  ['https://example.org/a?ref=1&private_token=hush&b=2', 'https://example.org/a?ref=1&private_token=…&b=2'],
  ['https://example.org/a?%74oken=hush', 'https://example.org/a?%74oken=…'],
  ['http://example.org:80/a@b', 'http://example.org:80/a@b'],
])('of %s remains %s', (text, hidden) => {
  expect(hideSecrets(text)).toBe(hidden);
});

it.each([
  ['    HF_TOKEN: hush', true],
  ["  'apiKey': 'hush'", true],
  ['command: [curl, "https://me:hush@example.org"]', true],
  ['  - hf_abcdefghijkl', true],
  ['    TOKENIZERS_PARALLELISM: false', false],
  ['  source: hf:owner/model', false],
  ['  learningRate: 2.0e-3', false],
])('%j holds a secret: %s', (line, answer) => {
  expect(looksSecret(line)).toBe(answer);
});
