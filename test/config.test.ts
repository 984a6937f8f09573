import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readConfig, readNetwork } from '../src/config.js';

const ROOT = resolve(fileURLToPath(new URL('..', import.meta.url)));

it.each([
  [{}, { root: ROOT, logLevel: 'info', home: `${ROOT}/.temper`, python: `${ROOT}/.temper/venv/bin/python` }],
  [{ TEMPER_HOME: '/srv/temper' }, { home: '/srv/temper', python: '/srv/temper/venv/bin/python' }],
  [{ TEMPER_HOME: 'state' }, { home: resolve('state') }],
  [
    { TEMPER_HOME: '/srv/temper', TEMPER_PYTHON: '/opt/python' },
    { home: '/srv/temper', python: '/opt/python' },
  ],
  [{ TEMPER_LOG_LEVEL: 'debug' }, { logLevel: 'debug' }],
])('the environment %j configures %j', (env, expected) => {
  expect(readConfig(env)).toMatchObject(expected);
});

describe('the network of a host', () => {
  it('is that of the usual names, and the TEMPER_ names win', () => {
    const usual = {
      http_proxy: 'http://p',
      HTTPS_PROXY: 'http://q',
      NO_PROXY: 'a',
      HF_ENDPOINT: 'mirror.example/',
      HF_TOKEN: 't',
    };
    expect(readNetwork(usual)).toEqual({
      httpProxy: 'http://p',
      httpsProxy: 'http://q',
      noProxy: 'a',
      caFile: undefined,
      hfEndpoint: 'https://mirror.example',
      modelscopeEndpoint: 'https://www.modelscope.cn',
      urlMirrors: [],
      isOffline: false,
      hfToken: 't',
      modelscopeToken: undefined,
    });
    const own = {
      TEMPER_HTTP_PROXY: 'http://r',
      TEMPER_OFFLINE: '1',
      TEMPER_URL_MIRRORS: 'http://a/=http://b/, http://c=http://d',
    };
    expect(readNetwork({ ...usual, ...own })).toMatchObject({
      httpProxy: 'http://r',
      isOffline: true,
      urlMirrors: [
        ['http://a/', 'http://b/'],
        ['http://c', 'http://d'],
      ],
    });
  });
});
