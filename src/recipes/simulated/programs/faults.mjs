import { readFileSync, writeFileSync } from 'node:fs';
import { BadInput } from './program-errors.mjs';

/**
 * Faults on purpose. A file lists them: `{ "v": 1, "faults": [ { "kind": "exit", "rank": 1, "iteration": 30,
 * "once": "/tmp/marker" } ] }`. `README.md` beside this folder says what each kind does and which other fields it has.
 * @typedef {{ kind: string, rank?: number | 'all' | 'last', iteration?: number, once?: string, code?: number,
 *   signal?: string, ms?: number, at?: string }} Fault
 */

/** Where a kind strikes: `start`, before a `step`, while it `load`s or `save`s, or in the `launcher` of node 0. */
export const KINDS = {
  'bad-argument': 'start',
  'data-error': 'step',
  'die-in-save': 'save',
  'disk-full': 'save',
  exit: 'step',
  garbage: 'step',
  hang: 'step',
  'hang-in-save': 'save',
  'ignore-term': 'start',
  'missing-keys': 'load',
  nan: 'step',
  'out-of-memory': 'step',
  'port-taken': 'launcher',
  signal: 'step',
  'schedule-reset': 'load',
  slow: 'step',
};

/** The faults that one rank (or the launcher, with rank null) is to suffer. */
export class Faults {
  /**
   * @param {string | null} file
   * @param {number | null} rank
   * @param {number} worldSize
   * @param {Readonly<Record<string, string>>} [kinds] known kinds and where they strike
   * @throws BadInput for a file that cannot be read, or names an unknown kind or a rank that does not exist
   */
  static load(file, rank, worldSize, kinds = KINDS) {
    const isMine = ({ rank: victim = 0 }) => victim === 'all' || rank === (victim === 'last' ? worldSize - 1 : victim);
    const all = file === null ? [] : readFaults(file, worldSize, kinds);
    return new Faults(
      all.filter((fault) => (rank === null ? kinds[fault.kind] === 'launcher' : isMine(fault))),
      rank,
      kinds,
    );
  }

  constructor(faults, rank, kinds) {
    this.faults = faults;
    this.rank = rank;
    this.kinds = kinds;
  }

  /**
   * The faults that strike here and now; each is claimed, so that one with a marker strikes once for all time.
   * Before a step the iteration must be the fault's own; a save counts when it is the first at or after it.
   * @param {'start' | 'step' | 'load' | 'save' | 'launcher'} place
   * @param {number} iteration
   * @returns {Fault[]}
   */
  strike(place, iteration) {
    return this.faults.filter((fault) => {
      const due = fault.iteration ?? 0;
      const isDue = place === 'step' ? Math.max(1, due) === iteration : iteration >= due;
      return this.kinds[fault.kind] === place && isDue && this.claim(fault, iteration);
    });
  }

  claim({ kind, once, rank: victim }, iteration) {
    if (once === undefined) return true;
    const marker = victim === 'all' ? `${once}.rank${this.rank}` : once;
    const record = { kind, rank: this.rank, iteration, pid: process.pid, at: new Date().toISOString() };
    try {
      writeFileSync(marker, `${JSON.stringify(record)}\n`, { flag: 'wx' });
      return true;
    } catch (error) {
      if (error.code === 'EEXIST') return false;
      throw new BadInput(`--faults: the marker ${marker} cannot be written: ${error.message}`);
    }
  }
}

function readFaults(file, worldSize, kinds) {
  let parsed;
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new BadInput(`--faults ${file}: ${error.message}. Give a JSON file {"v": 1, "faults": [...]}.`);
  }
  if (parsed?.v !== 1 || !Array.isArray(parsed.faults))
    throw new BadInput(`--faults ${file}: not of the form {"v": 1, "faults": [...]}.`);
  const unknown = parsed.faults.find(({ kind }) => !(kind in kinds));
  if (unknown !== undefined) {
    throw new BadInput(
      `--faults ${file}: unknown kind ${JSON.stringify(unknown.kind)}. Choose one of ${Object.keys(kinds).join(', ')}.`,
    );
  }
  const stranger = parsed.faults.find(({ rank }) => typeof rank === 'number' && rank >= worldSize);
  if (stranger !== undefined) {
    throw new BadInput(
      `--faults ${file}: there is no rank ${stranger.rank} to suffer ${stranger.kind}. Choose one of 0 to ${worldSize - 1}, "last" or "all".`,
    );
  }
  return parsed.faults;
}
