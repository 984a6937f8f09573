import { expect, it } from 'vitest';
import { readProgressBar } from '../../../src/domain/text/progress-bar.js';

it.each([
  ['merge moe experts weight:  40%|████      | 18/45 [00:10<00:15,  1.74it/s]', 'merge moe experts weight', 18, 45],
  ['save sharded safetensors: 100%|██████████| 47/47 [00:01<00:00, 31.0it/s]', 'save sharded safetensors', 47, 47],
  ['split moe experts weight:   0%|          | 0/45 [00:00<?, ?it/s]', 'split moe experts weight', 0, 45],
  ['  3%|▎         | 3/100 [00:01<?, ?it/s]', '', 3, 100],
])('reads the bar %s', (line, label, done, total) => {
  expect(readProgressBar(line)).toEqual({ label, done, total });
});

it.each([
  'Copied: a/config.json -> b/config.json',
  'half a bar:  40%|████      | 18/4',
  'sizes:  35%|███       | 1.2G/3.4G [00:10<00:15, 1.2MB/s]',
  'more than all: 200%|██████████| 4/2 [00:00<00:00]',
  'nothing to count:   0%|          | 0/0 [00:00<?, ?it/s]',
  '45/45 [done]',
])('takes %s for no bar', (line) => {
  expect(readProgressBar(line)).toBeNull();
});
