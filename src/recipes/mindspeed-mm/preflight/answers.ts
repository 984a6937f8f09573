import type { ProbeOutput } from '../../preflight.js';

/**
 * What a tool of the driver answered. `root`: it refuses this user, and root would get an answer; `unsupported`: this
 * product has no such thing. Everything but `answered` carries a text for a person.
 */
export type Answer =
  | { readonly kind: 'answered'; readonly text: string }
  | {
      readonly kind: 'missing' | 'hung' | 'busy' | 'root' | 'unsupported' | 'failed';
      readonly text: string;
    };

/**
 * Texts of hccn_tool (its source in the driver's repository) and of npu-smi, which says that it could not reach the
 * driver when the user may not open the devices.
 */
const TEXTS = [
  { kind: 'root', pattern: /permission denied|operation not permitted|must be root|as root|root (?:user|permission)/i },
  { kind: 'busy', pattern: /is busy, please try again/i },
  { kind: 'unsupported', pattern: /(?:not supported on this|does not support|not support(?:ed)? quer)/i },
] as const;

/** Reads how a probe ended; a probe that was not made is missing. */
export function readAnswer(output: ProbeOutput | undefined): Answer {
  if (output === undefined) return { kind: 'missing', text: 'it was not asked' };
  const { state, code, stdout, stderr } = output;
  switch (state) {
    case 'missing':
      return { kind: 'missing', text: 'the program is not there' };
    case 'hung':
    case 'busy':
      return { kind: state, text: stderr };
    case 'refused':
      return { kind: 'failed', text: 'the program may not be started' };
    case 'ended': {
      const said = `${stdout}\n${stderr}`;
      const known = TEXTS.find(({ pattern }) => pattern.test(said));
      if (known !== undefined) return { kind: known.kind, text: inShort(said) };
      return code === 0
        ? { kind: 'answered', text: stdout }
        : { kind: 'failed', text: `exit status ${code ?? 'none'}: ${inShort(said)}` };
    }
  }
}

/** The first lines in one: what went wrong often stands in the second. */
function inShort(text: string): string {
  return text.trim().split('\n').slice(0, 3).join(' / ');
}
