import { describe, expect, it } from 'vitest';
import { ephemeralPorts } from '../../../src/domain/preflight/ephemeral-ports.js';

const PORTS = [32_767, 32_768, 60_000, 60_015, 60_016, 60_999, 61_000];

describe('ports of outgoing connections', () => {
  it.each([
    ['32768\t60999\n', '\n', [32_768, 60_000, 60_015, 60_016, 60_999]],
    ['32768\t60999\n', '60000-60015\n', [32_768, 60_016, 60_999]],
    ['32768 60999', '8080,60000-60015,60999', [32_768, 60_016]],
    ['', '60000-60015', []],
    ['none', '', []],
  ])('range %j without %j', (range, reserved, expected) => {
    expect(PORTS.filter(ephemeralPorts(range, reserved))).toEqual(expected);
  });
});
