/**
 * Names of variables that by custom hold credentials, whatever their case; a tokenizer is none, whatever its name holds.
 * Bash reads the same pattern.
 */
export const SECRET_VARIABLES =
  'TOKEN($|[^I]|I($|[^Z]))|SECRET|PASSW|PASSPHRASE|CREDENTIAL|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY';
const SECRET_NAME = new RegExp(SECRET_VARIABLES, 'i');

/** Whether a variable of this name looks like a secret, so that its value is neither stored, shown nor passed on. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}
