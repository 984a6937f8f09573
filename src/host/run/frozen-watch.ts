import type { LogEvent } from '../../recipes/log-dialect.js';

type Fatal = Extract<LogEvent, { kind: 'fatal' }>;

/**
 * Compares what a training says that it froze with what was asked for. It may say so in several lines, so it is judged
 * by the next thing that it tells; a training that names nothing is not judged here, but by its exported tensors.
 */
export class FrozenWatch {
  readonly #wanted: readonly string[] | null;
  readonly #said = new Set<string>();
  #isPending = false;

  constructor(wanted: readonly string[] | null) {
    this.#wanted = wanted;
  }

  /** The end of the training when its modules are not those that were asked for; null otherwise. */
  take(event: LogEvent): Fatal | null {
    if (event.kind === 'frozen') {
      for (const module of event.modules) this.#said.add(module);
      this.#isPending = true;
      return null;
    }
    if (!this.#isPending || this.#wanted === null) return null;
    this.#isPending = false;
    const wanted = [...this.#wanted].toSorted();
    const said = [...this.#said].toSorted();
    if (wanted.join() === said.join()) return null;
    return {
      kind: 'fatal',
      id: 'freeze-differs',
      text: `the training froze ${list(said)} instead of ${list(wanted)}`,
    };
  }
}

function list(modules: readonly string[]): string {
  return modules.length === 0 ? 'nothing' : modules.join(', ');
}
