import { describe, expect, it } from 'vitest';
import { parseFraction } from '../../../src/domain/data/fraction.js';

describe('parseFraction', () => {
  it.each([
    ['0.1%', 0.001],
    ['0.1 %', 0.001],
    ['.5', 0.5],
    ['0', 0],
    ['1', 1],
    ['100%', 1],
    ['100.1%', undefined],
    ['1.5', undefined],
    ['-1%', undefined],
    ['1e-3', undefined],
    ['0,1%', undefined],
    ['%', undefined],
    ['', undefined],
    ['NaN', undefined],
  ])('%j', (text, expected) => {
    expect(parseFraction(text)).toBe(expected);
  });
});
