import { describe, expect, it } from 'vitest';
import { splitMediaName } from '../../../src/domain/data/media-name.js';

describe('splitMediaName', () => {
  it.each([
    ['a.jpg', { folder: '', base: 'a.jpg' }],
    ['sub/a.jpg', { folder: 'sub', base: 'a.jpg' }],
    ['./sub//deep/./a.jpg', { folder: 'sub/deep', base: 'a.jpg' }],
    ['...jpg', { folder: '', base: '...jpg' }],
    ['a..b/c', { folder: 'a..b', base: 'c' }],
    ['back\\slash', { folder: '', base: 'back\\slash' }],
    ['sub/', { folder: 'sub', base: '' }],
    ['.', { folder: '', base: '.' }],
    ['..', undefined],
    ['../a.jpg', undefined],
    ['sub/..', undefined],
    ['sub/../a.jpg', undefined],
    ['/a.jpg', undefined],
    ['//a.jpg', undefined],
  ])('%s', (name, expected) => {
    expect(splitMediaName(name)).toEqual(expected);
  });
});
