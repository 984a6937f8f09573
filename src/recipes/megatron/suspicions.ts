/**
 * `fatal`: what is trained from here on is worthless, so the run is stopped. `cause`: explains a failure once a rank has
 * failed; before that it means nothing, because texts of the data are printed too.
 */
export type SuspicionSeverity = 'fatal' | 'cause';

/** A text in a log that means trouble, whatever the exit status says. */
export interface SuspicionRule {
  readonly id: string;
  readonly severity: SuspicionSeverity;
  readonly pattern: RegExp;
  readonly meaning: string;
}

/** A rule that a line met, with the part of the line around it. */
export interface Suspicion {
  readonly id: string;
  readonly severity: SuspicionSeverity;
  readonly meaning: string;
  readonly text: string;
}

/**
 * A text that stands at the beginning of what is printed at once, behind signs, a progress bar or the mark of torchrun at
 * most: decoded rows of the data are printed too, and a row may talk of missing keys. Bounded, for lines full of signs.
 */
function lineOf(text: RegExp): RegExp {
  return new RegExp(`(?:^|\\r)(?:\\[default\\d{1,4}\\]:)?[^\\w\\r]{0,32}${text.source}`);
}

/** Most telling first: a line is reported by the first rule that it meets. */
export const SUSPICION_RULES: readonly SuspicionRule[] = [
  {
    id: 'checkpoint-not-found',
    severity: 'fatal',
    pattern: lineOf(/WARNING: could not find the metadata file/),
    meaning: 'no tracker file where the checkpoint should be: training starts from random weights',
  },
  {
    id: 'random-start',
    severity: 'fatal',
    pattern: lineOf(/will not load any checkpoints and will start from random/),
    meaning: 'training starts from random weights',
  },
  {
    id: 'checkpoint-required',
    severity: 'fatal',
    pattern: lineOf(/'--exit-on-missing-checkpoint' set/),
    meaning: 'the checkpoint to start from is missing; the process ends with status 0',
  },
  {
    id: 'tracker-invalid',
    severity: 'fatal',
    pattern: lineOf(/ERROR: Invalid metadata file/),
    meaning: 'the tracker file is empty or garbled; the process ends with status 0',
  },
  {
    id: 'keys-missing',
    severity: 'fatal',
    pattern: lineOf(/Missing keys: \[\s*[^\]\s]/),
    meaning: 'tensors of the model are not in the checkpoint and keep random values',
  },
  {
    id: 'keys-unexpected',
    severity: 'fatal',
    pattern: lineOf(/Unexpected keys: \[\s*[^\]\s]/),
    meaning: 'tensors of the checkpoint are not in the model and are dropped',
  },
  {
    id: 'schedule-differs',
    severity: 'cause',
    pattern: /OptimizerParamScheduler: class input value/,
    meaning: 'learning rate or length of the run differ from those in the checkpoint',
  },
  {
    id: 'device-out-of-memory',
    severity: 'cause',
    pattern: /out of memory\. Tried to allocate/,
    meaning: 'the memory of a device does not hold model, batch and optimizer',
  },
  {
    id: 'disk-full',
    severity: 'cause',
    pattern: /No space left on device|Disk quota exceeded/,
    meaning: 'a file could not be written; the newest checkpoint cannot be trusted',
  },
  {
    id: 'port-taken',
    severity: 'cause',
    pattern: /EADDRINUSE|[Aa]ddress already in use/,
    meaning: 'the port of the rendezvous is in use',
  },
  {
    id: 'config-invalid',
    severity: 'cause',
    pattern: /Error: Invalid JSON format in|One or more config files failed to load/,
    meaning: 'a configuration file could not be read',
  },
];

/** The first rule that a line meets, or null. */
export function findSuspicion(line: string): Suspicion | null {
  for (const { id, severity, pattern, meaning } of SUSPICION_RULES) {
    const match = pattern.exec(line);
    if (match === null) continue;
    const text = line.slice(Math.max(0, match.index - CONTEXT_CHARS), match.index + match[0].length + CONTEXT_CHARS);
    return { id, severity, meaning, text: text.trim() };
  }
  return null;
}

/** Enough for a path or the first names of a list; lines may be a megabyte long. */
const CONTEXT_CHARS = 200;
