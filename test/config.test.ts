import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { readConfig } from '../src/config.js';

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
