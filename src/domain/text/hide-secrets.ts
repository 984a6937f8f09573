import { isSecretParameter } from '../remote-source.js';

/** User and password in an address; a user alone where it is no secret by custom (`ssh://git@`) stays. */
const PASSWORD = /(\/\/)[^/\s"'?#@]*:[^/\s"'?#]*@|(\bhttps?:\/\/)[^/\s"'?#]+@/giu;
/** One parameter of an address. */
const PARAMETER = /([?&;])([^=&;?#\s"']+)=[^&;#\s"']+/gu;
/** Forms that hubs and clouds give to their tokens, and private keys. */
const TOKEN = /\b(?:hf_|gh[opsu]_|github_pat_|glpat-|sk-|xox[abp]-|AKIA)[\w-]{8}|-----BEGIN [A-Z ]*PRIVATE KEY/u;
/** A name and the value behind it, as in YAML and in a shell. */
const NAMED = /([A-Za-z_][\w.-]*)["']?\s*[:=]\s*["']?[^\s"']/gu;

/** The same text without passwords and secret parameters of the addresses in it. */
export function hideSecrets(text: string): string {
  return text
    .replaceAll(PASSWORD, (_all, slashes?: string, scheme?: string) => `${slashes ?? scheme ?? ''}…@`)
    .replaceAll(PARAMETER, (all, mark: string, name: string) =>
      isSecretParameter(decoded(name)) ? `${mark}${name}=…` : all,
    );
}

/** Whether a line of a file holds what looks like a secret, so that it is not quoted. */
export function looksSecret(line: string): boolean {
  const names = [...line.matchAll(NAMED)].map(([, name = '']) => name);
  return names.some(isSecretParameter) || TOKEN.test(line) || hideSecrets(line) !== line;
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
