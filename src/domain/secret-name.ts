/** Names of variables that by custom hold credentials; a tokenizer is none, whatever its name holds. */
const SECRET_NAME = /TOKEN(?!IZ)|SECRET|PASSW|PASSPHRASE|CREDENTIAL|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY/i;

/** Whether a variable of this name looks like a secret, so that its value is neither stored, shown nor passed on. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}
