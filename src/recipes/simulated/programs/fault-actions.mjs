import { BadInput, PythonError } from './program-errors.mjs';

/**
 * Lets a rank suffer a fault that strikes between two steps or at the start. Some never come back.
 * @param {import('./faults.mjs').Fault} fault
 * @param {import('./rank-process.mjs').RankProcess} rank
 * @param {{ model: import('./model.mjs').ModelShard, slowness: { ms: number, steps: number } } | null} state null
 *   before there is a model
 */
export async function suffer(fault, rank, state) {
  switch (fault.kind) {
    case 'exit':
      return rank.exit(fault.code ?? 1);
    case 'signal':
      return dieBy(fault.signal ?? 'SIGKILL', rank);
    case 'ignore-term':
      return void process.on('SIGTERM', () => undefined);
    case 'bad-argument':
      throw new BadInput('rank.mjs: unrecognized arguments: --no-such-argument');
    case 'data-error':
      throw new PythonError('KeyError', "'messages'");
    case 'out-of-memory':
      throw new PythonError(
        'RuntimeError',
        `NPU out of memory. Tried to allocate 2.00 GiB (NPU ${rank.localRank}; 60.97 GiB total capacity; 59.10 GiB already allocated)`,
      );
    case 'garbage':
      // Bytes that are no text, half of an iteration line glued to another rank's word, and no line feed.
      return rank.write(
        1,
        Buffer.concat([
          Buffer.from([0xff, 0xfe, 0x00, 0x1b]),
          Buffer.from(' iteration       9/    hello 0\rlm loss: | |'),
        ]),
      );
    case 'hang':
      return hang();
    case 'nan':
      return void state?.model.parameters.find(({ moments }) => moments !== null)?.weights.fill(Number.NaN, 0, 1);
    case 'slow':
      return void Object.assign(state?.slowness ?? {}, {
        ms: fault.ms ?? 1000,
        steps: fault.steps ?? Number.POSITIVE_INFINITY,
      });
    default:
      throw new TypeError(`${fault.kind} is no fault of a step`);
  }
}

/**
 * What a rank does at the points of a save when it is to fail there.
 * @param {readonly import('./faults.mjs').Fault[]} faults those that strike in this save
 * @param {import('./rank-process.mjs').RankProcess} rank
 */
export function saveFaults(faults, rank) {
  const diesAt = (point) => faults.some(({ kind, at = 'after-shard' }) => kind === 'die-in-save' && at === point);
  return {
    /** Before each part of the own shard: half of it is on the disk when the middle one comes. */
    beforePart: async (part, of) => {
      if (part === 0 && faults.some(({ kind }) => kind === 'hang-in-save')) await hang();
      if (part !== of / 2) return;
      if (faults.some(({ kind }) => kind === 'disk-full'))
        throw new PythonError('OSError', '[Errno 28] No space left on device');
      if (diesAt('half-shard')) dieBy('SIGKILL', rank);
    },
    /** The own shard is written, `.metadata` is not. */
    afterShard: () => (diesAt('after-shard') ? dieBy('SIGKILL', rank) : undefined),
    /** `.metadata` is written by rank 0, the tracker is not. */
    beforeTracker: () => (diesAt('before-tracker') ? dieBy('SIGKILL', rank) : undefined),
  };
}

/** The signal reaches every rank of the process; the launcher learns whose it was. */
function dieBy(signal, rank) {
  rank.tellEnd(-1);
  process.kill(process.pid, signal);
}

/** Without the timer a process that waits for nothing else would end. */
function hang() {
  return new Promise(() => setInterval(() => undefined, 60_000));
}
