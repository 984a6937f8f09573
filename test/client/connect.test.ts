import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readDevState, resolveTarget } from '../../src/client/connect.js';
import { readConfig } from '../../src/config.js';
import { FLEET_TIMING, LOCAL_TIMING } from '../../src/domain/timing.js';
import type { DevState } from '../../src/schemas/dev.js';

let home = '';
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'temper-connect-'));
  for (const name of ['ADDRESS', 'NAMESPACE', 'PROFILE', 'API_KEY', 'TLS']) vi.stubEnv(`TEMPORAL_${name}`, undefined);
  // No file of the person who runs the tests counts.
  vi.stubEnv('TEMPORAL_CONFIG_FILE', join(home, 'temporal.toml'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true, force: true });
});

const DEV: DevState = {
  v: 1,
  address: '127.0.0.1:4444',
  namespace: 'dev',
  uiUrl: 'http://127.0.0.1:1',
  fleet: 'default',
  bootId: 'b',
  processes: [],
};
const writeDev = (text: string): void => writeFileSync(join(home, 'dev.json'), text);
const resolve = (flags = {}) => resolveTarget(flags, readConfig({ TEMPER_HOME: home }));

describe('the server to talk to', () => {
  it('is the temper dev that runs here when none is named', async () => {
    writeDev(JSON.stringify(DEV));
    expect(await resolve()).toEqual({
      options: { address: '127.0.0.1:4444' },
      namespace: 'dev',
      timing: LOCAL_TIMING,
      dev: DEV,
    });
    expect((await resolve({ namespace: 'n' })).namespace).toBe('n');
  });

  it('is none when none is named and none runs', async () => {
    await expect(resolve()).rejects.toMatchObject({ problem: { code: 'Unreachable' } });
  });

  it('is named by flags before the environment before a profile', async () => {
    writeDev(JSON.stringify(DEV));
    writeFileSync(
      join(home, 'temporal.toml'),
      '[profile.default]\naddress = "profile:1"\nnamespace = "p"\n[profile.lab]\naddress = "lab:1"\nnamespace = "l"\n',
    );
    expect(await resolve()).toMatchObject({
      options: { address: 'profile:1' },
      namespace: 'p',
      timing: FLEET_TIMING,
      dev: null,
    });
    expect(await resolve({ profile: 'lab' })).toMatchObject({ options: { address: 'lab:1' }, namespace: 'l' });
    vi.stubEnv('TEMPORAL_ADDRESS', 'env:1');
    expect(await resolve()).toMatchObject({ options: { address: 'env:1' }, namespace: 'p' });
    expect(await resolve({ address: 'flag:1', namespace: 'f', apiKey: 'key' })).toMatchObject({
      options: { address: 'flag:1', apiKey: 'key' },
      namespace: 'f',
    });
  });
});

describe('the state of temper dev', () => {
  it.each([
    ['no JSON', '{'],
    ['another form', '{"v":1}'],
    ['a later version', JSON.stringify({ ...DEV, v: 2 })],
  ])('is none for %s', async (_what, text) => {
    writeDev(text);
    expect(await readDevState(home)).toBeNull();
  });
});
