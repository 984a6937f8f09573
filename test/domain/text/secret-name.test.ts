import { expect, it } from 'vitest';
import { isSecretName } from '../../../src/domain/text/secret-name.js';

it('names of credentials are secrets, in any case', () => {
  const names = [
    ...['HF_TOKEN', 'hf_token', 'TOKEN', 'TOKENS', 'MODELSCOPE_API_TOKEN', 'DB_PASSWORD', 'DB_PASSWD', 'DB_PASSWRD'],
    ...['SSH_PASSPHRASE', 'CLIENT_SECRET', 'OPENAI_API_KEY', 'APIKEY', 'AWS_ACCESS_KEY_ID', 'GIT_CREDENTIALS'],
    ...['SSH_PRIVATE_KEY', 'TLS_PRIVATEKEY', 'TOKENIZERS_TOKEN'],
  ];
  expect(names.filter((name) => !isSecretName(name))).toEqual([]);
});

it('tokenizers, paths and keys of other things are none', () => {
  const names = ['TOKENIZERS_PARALLELISM', 'TOKENIZED_ROWS', 'PATH', 'PASS_THROUGH', 'HCCL_EXEC_TIMEOUT', 'KEYBOARD'];
  expect(names.filter(isSecretName)).toEqual([]);
});
