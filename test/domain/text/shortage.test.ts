import { expect, it } from 'vitest';
import { diskShortage, ramShortage } from '../../../src/domain/text/shortage.js';

it('is none where as much is free as is needed', () => {
  expect(diskShortage('/d', { freeBytes: 5, neededBytes: 5 })).toBeNull();
  expect(ramShortage({ freeBytes: 5, neededBytes: 5 })).toBeNull();
});

it('tells what there is, what is needed, and what for', () => {
  expect(
    diskShortage('/d', { freeBytes: 2e9, neededBytes: 1.3e12, purpose: 'for the weights' })?.problem,
  ).toMatchObject({ code: 'DiskTooSmall', where: '/d', what: '2.0 GB are free, 1.3 TB are needed for the weights' });
  expect(ramShortage({ freeBytes: 1e9, neededBytes: 2e9 })?.problem).toMatchObject({
    code: 'RamTooSmall',
    what: '1.0 GB are available as memory, 2.0 GB are needed',
  });
});
