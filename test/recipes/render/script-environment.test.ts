import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { commandEnvironment, inheritedEnvironment } from '../../../src/host/keeper/environment.js';
import { scriptText } from '../../../src/recipes/render/script.js';

const SHELL = {
  ...{ PATH: process.env['PATH'] ?? '', HOME: '/home/me', LANG: 'C', PYTHONPATH: '/cann', LD_LIBRARY_PATH: '/lib' },
  ...{ HF_TOKEN: 's', my_token: 's', TOKEN: 's', token_id: 's', TOKENI: 's', TOKENIZERS_PARALLELISM: 'true' },
  ...{ A_TOKENIZER_TOKEN: 's', DB_PASSWORD: 's', aws_secret_access_key: 's', OPENAI_APIKEY: 's', GPG_PASSPHRASE: 's' },
  ...{ TEMPORAL_ADDRESS: 'a:1', temporal_address: 'kept', NODE_OPTIONS: '', NODE_EXTRA: 'kept', NODE_V8_COVERAGE: '' },
  ...{ HTTPS_PROXY: 'http://p', no_proxy: '*', TEMPER_CA_FILE: '/ca', hf_endpoint: 'http://h', MY_PROXY: 'kept' },
};

/** Names that a keeper hands to its command, of those of the worker's own environment. */
function keptByKeeper(isOfRanks: boolean, secretEnv: readonly string[]): string[] {
  const before = { ...process.env };
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, inheritedEnvironment(secretEnv, SHELL));
  try {
    const request = { id: 'k', env: { OWN: '1' }, ...(isOfRanks ? { fence: {} } : {}) };
    return Object.keys(commandEnvironment(request, '/scratch/keepers/k')).filter((name) => !name.startsWith('TEMPER_'));
  } finally {
    for (const name of Object.keys(process.env)) delete process.env[name];
    Object.assign(process.env, before);
  }
}

describe('the environment of what a script starts', () => {
  it.each([
    ['ranks', true, []],
    ['another command', false, []],
    ['a command that needs a token', false, ['HF_TOKEN']],
  ] as const)('is that of a keeper: %s', (_what, isOfRanks, secretEnv) => {
    const command = { step: 'look', argv: ['env', '-0'], cwd: '/', env: { OWN: '1' }, secretEnv };
    const script = scriptText({ about: [], isOfRanks, folders: [], files: [], commands: [command] });
    const told = execFileSync('bash', ['-c', script], { env: SHELL, encoding: 'utf8' });
    const names = told
      .split('\0')
      .map((entry) => entry.split('=')[0] ?? '')
      // Bash sets these itself; of Temper's own settings a keeper has markers instead.
      .filter((name) => name !== '' && !['_', 'PWD', 'OLDPWD', 'SHLVL'].includes(name) && !name.startsWith('TEMPER_'));
    expect(names.sort()).toEqual(keptByKeeper(isOfRanks, secretEnv).sort());
    expect(names).toEqual(expect.arrayContaining(['PYTHONPATH', 'TOKENIZERS_PARALLELISM', 'OWN', 'NODE_EXTRA']));
    expect(names).not.toContain('TOKENI');
  });
});
