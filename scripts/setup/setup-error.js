/** A person or a supervisor ended set-up: no failure of the step that was running. */
export class Interrupted extends Error {
  /** @param {'SIGINT' | 'SIGTERM'} signal */
  constructor(signal) {
    super(`set-up was ended by ${signal}`);
    this.name = 'Interrupted';
    /** What shells answer for a program that ended by this signal. */
    this.exitStatus = signal === 'SIGINT' ? 130 : 143;
  }
}

/** An error of set-up that a person can act on: says what, why and the fix. */
export class SetupError extends Error {
  /**
   * @param {{ what: string, why?: string, fix: string }} facts
   */
  constructor(facts) {
    super([facts.what, facts.why && `  why: ${facts.why}`, `  fix: ${facts.fix}`].filter(Boolean).join('\n'));
    this.name = 'SetupError';
    this.facts = facts;
  }
}
