import type { LogEvent } from '../../recipes/log-dialect.js';

type Fatal = Extract<LogEvent, { kind: 'fatal' }>;

/** What the log of rank 0 must tell before the first iteration counts. */
export interface StartProof {
  /** Modules that are not trained; null where nobody asked for any. */
  readonly frozen: readonly string[] | null;
  /** Ids of lines, see `LogDialect.mustTell`. */
  readonly mustTell: readonly string[];
}

/**
 * Judges, once, when the log of rank 0 goes beyond the load: silence proves nothing, so a line that never came ends the
 * training as one that says something else does.
 */
export class StartWatch {
  readonly #proof: StartProof;
  readonly #frozen = new Set<string>();
  readonly #told = new Set<string>();
  #isJudged = false;

  constructor(proof: StartProof) {
    this.#proof = proof;
  }

  /** Takes the next event of rank 0: the end of the training when its start was not what was asked for, else null. */
  take(event: LogEvent): Fatal | null {
    if (event.kind === 'frozen') for (const module of event.modules) this.#frozen.add(module);
    if (event.kind === 'told') this.#told.add(event.id);
    if (this.#isJudged || !isBeyondLoad(event)) return null;
    this.#isJudged = true;
    return this.#judgeTold() ?? this.#judgeFrozen();
  }

  #judgeTold(): Fatal | null {
    const untold = this.#proof.mustTell.filter((id) => !this.#told.has(id));
    if (untold.length === 0) return null;
    const text = `the log does not say that there are no ${untold.join(' and ')}, which it does after each load`;
    return { kind: 'fatal', id: 'load-untold', text };
  }

  #judgeFrozen(): Fatal | null {
    const said = [...this.#frozen].toSorted();
    const wanted = (this.#proof.frozen ?? said).toSorted();
    if (wanted.join() === said.join()) return null;
    const text = `the training froze ${list(said)} instead of ${list(wanted)}`;
    return { kind: 'fatal', id: 'freeze-differs', text };
  }
}

function isBeyondLoad(event: LogEvent): boolean {
  if (event.kind === 'phase') return event.phase !== 'starting' && event.phase !== 'loading';
  return event.kind === 'iteration' || event.kind === 'saved' || event.kind === 'ended';
}

function list(modules: readonly string[]): string {
  return modules.length === 0 ? 'nothing that its log names' : modules.join(', ');
}
