import { describe, expect, it } from 'vitest';
import { isWanted } from '../../../../src/recipes/mindspeed-mm/environment/judge-python.js';
import { parseVersion } from '../../../../src/recipes/mindspeed-mm/environment/toolkit-parts.js';
import { compareVersions } from '../../../../src/recipes/mindspeed-mm/environment/versions.js';

describe('versions', () => {
  it.each([
    ['8.3.RC1', '8.3.RC1', 'same'],
    ['8.2.RC1', '8.3.RC1', 'older'],
    ['8.3.RC2', '8.3.RC1', 'newer'],
    ['8.3.RC1.alpha001', '8.3.RC1', 'older'],
    ['8.3.RC1.B106', '8.3.RC1', 'same'],
    ['8.2.RC1.B106', '8.3.RC1', 'older'],
    ['8.3.0', '8.3.RC1', 'newer'],
    ['8.5.0', '8.3.RC1', 'newer'],
    ['9.0.0', '8.3.RC1', 'newer'],
    ['10.0', '9.1', 'newer'],
    ['2.7.1', '2.7.1', 'same'],
    ['2.7.1+cpu', '2.7.1', 'same'],
    ['2.7.1.post2', '2.7.1', 'same'],
    ['2.7.1rc1', '2.7.1', 'older'],
    ['2.6.0', '2.7.1', 'older'],
    ['2.13.0', '2.7.1', 'newer'],
    ['present', '8.3.RC1', 'unknown'],
  ])('%s is to %s: %s', (found, wanted, standing) => {
    expect(compareVersions(found, wanted)).toBe(standing);
  });

  it.each([
    ['package_name=Ascend-cann-toolkit\nversion=8.1.RC1\ninnerversion=V100R001C21\narch=aarch64\n', '8.1.RC1'],
    ['Version=25.3.rc1\nascendhal_version=7.35.23\n', '25.3.rc1'],
    ['Version=7.8.0.1.129\nversion_dir=8.3.RC1\ntimestamp=2025\n', '8.3.RC1'],
    ['Ascend-cann-atb : 8.3.RC1\nAscend-cann-atb Version : 8.3.RC1.B106\n', '8.3.RC1'],
    ['Ascend-cann-atb Version : 8.3.RC1.B106\n', '8.3.RC1.B106'],
    ['Ascend-cann-atb : 8.3.RC1\n', '8.3.RC1'],
    ['nothing to see\n', null],
    ['', null],
  ])('are read from %j', (text, version) => {
    expect(parseVersion(text)).toBe(version);
  });

  it.each([
    ['2.7.1', '2.7.1', true],
    ['2.7.1+cpu', '2.7.1', true],
    ['2.7.1.post1', '2.7.1', true],
    ['2.7.1.post1', '2.7.1.post2', false],
    ['2.7.10', '2.7.1', false],
    [undefined, '2.7.1', false],
  ])('installed %s stands for wanted %s: %s', (found, wanted, answer) => {
    expect(isWanted(found, wanted)).toBe(answer);
  });
});
