import { afterEach, expect, it, vi } from 'vitest';
import { commandEnvironment } from '../../../src/host/keeper/environment.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

const SETTINGS = [
  ...['TEMPER_HTTPS_PROXY', 'TEMPER_HTTP_PROXY', 'TEMPER_NO_PROXY', 'TEMPER_CA_FILE', 'TEMPER_URL_MIRRORS'],
  ...['TEMPER_PIP_INDEX', 'TEMPER_HF_ENDPOINT', 'HF_ENDPOINT', 'https_proxy', 'HTTP_PROXY', 'no_proxy', 'ALL_PROXY'],
];

it('how the host reaches the outside is known to commands that download, and to no rank', () => {
  for (const name of [...SETTINGS, 'ASCEND_HOME_PATH']) vi.stubEnv(name, 'set');
  const request = { id: 'r1.train.h00.1-0', env: { https_proxy: 'of the spec' } };
  const fetching = commandEnvironment({ ...request, env: {} }, '/s/keepers/a');
  expect(SETTINGS.filter((name) => fetching[name] !== 'set')).toEqual([]);
  const rank = commandEnvironment({ ...request, fence: { attempt: 1 } }, '/s/keepers/a');
  expect(SETTINGS.filter((name) => rank[name] === 'set')).toEqual([]);
  expect(rank).toMatchObject({ ASCEND_HOME_PATH: 'set', https_proxy: 'of the spec' });
});
