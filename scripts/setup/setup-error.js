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
