/** What can go wrong between a worker and a keeper. Commands that fail are no errors here: see `KeeperExit`. */
export type KeeperErrorCode =
  | 'keeper-id-invalid'
  | 'keeper-request-invalid'
  | 'keeper-bundle-missing'
  | 'keeper-folder-unusable'
  | 'keeper-start-failed'
  | 'keeper-file-unreadable'
  | 'keeper-not-started'
  | 'keeper-unstoppable'
  | 'keeper-still-running';

/** The parts of a keeper error, each shown to a person. */
export interface KeeperErrorFacts {
  readonly code: KeeperErrorCode;
  /** What happened, with the offending value. */
  readonly what: string;
  /** File or folder concerned. */
  readonly where: string;
  readonly why: string;
  readonly fix: string;
  /** Whether the same call may succeed later without anybody changing anything. */
  readonly isRetryable: boolean;
}

/** An error of the keeper's client side; the message is computed from the facts. */
export class KeeperError extends Error {
  override readonly name = 'KeeperError';
  readonly facts: KeeperErrorFacts;

  constructor(facts: KeeperErrorFacts, options?: ErrorOptions) {
    super(`${facts.what} (${facts.where}): ${facts.why} Fix: ${facts.fix}`, options);
    this.facts = facts;
  }
}
