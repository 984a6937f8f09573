import { expect, it } from 'vitest';
import { unloadable } from '../../../src/domain/data/loader-path.js';

it.each([
  ['/mnt/shared/rows-1_2.json', null],
  ['/mnt/空/it’s]{a}.json', null],
  ['/mnt/a,b.json', 'a comma'],
  ['/mnt/my rows.json', 'a space'],
  ['/mnt/rows[1].json', '"["'],
  ['/mnt/rows*.json', '"*"'],
  ['/mnt/rows?.json', '"?"'],
  ['/mnt/zip::rows.json', '"::"'],
])('what keeps the loader from opening %s: %s', (path, bad) => {
  expect(unloadable(path)).toBe(bad);
});

it('spaces are kept by other loaders, commas are not', () => {
  expect(unloadable('/mnt/my rows.json', true)).toBeNull();
  expect(unloadable('/mnt/my rows,b.json', true)).toBe('a comma');
});
