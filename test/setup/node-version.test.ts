import { describe, expect, it } from 'vitest';
import { checkNodeVersion } from '../../scripts/setup/node-version.js';

describe('checkNodeVersion', () => {
  it.each(['20.20.0', '20.21.3', '22.0.0', '26.1.0'])('accepts %s', (version) => {
    expect(() => checkNodeVersion(version)).not.toThrow();
  });

  it.each(['12.22.0', '18.20.4', '20.19.9'])('refuses %s with the version that is needed', (version) => {
    expect(() => checkNodeVersion(version)).toThrow(`Node ${version} is too old: Temper needs 20.20 or newer`);
  });
});
