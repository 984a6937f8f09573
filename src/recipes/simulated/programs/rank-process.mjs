import { appendFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** What a rank is and where it speaks: a process of its own, or one of several in a process. */
export class RankProcess {
  /**
   * @param {{ rank: number, localRank: number, worldSize: number, write: (stream: 1 | 2, text: string | Buffer) => void,
   *   tellEnd: (code: number) => void }} options
   */
  constructor({ rank, localRank, worldSize, write, tellEnd }) {
    this.rank = rank;
    this.localRank = localRank;
    this.worldSize = worldSize;
    this.write = write;
    this.tellEnd = tellEnd;
  }

  get isFirst() {
    return this.rank === 0;
  }

  get isLast() {
    return this.rank === this.worldSize - 1;
  }

  /** A line on stdout of this rank. */
  say(line) {
    this.write(1, `${line}\n`);
  }

  /** A milestone: said by rank 0 only. */
  sayFirst(line) {
    if (this.isFirst) this.say(line);
  }

  /** Ends the process, with all ranks in it, as this rank's doing. */
  exit(code) {
    this.tellEnd(code);
    process.exit(code);
  }
}

/** The one rank of this process, as torchrun describes it in the environment; its output is already redirected. */
export function ownProcess(env) {
  return new RankProcess({
    rank: Number(env.RANK),
    localRank: Number(env.LOCAL_RANK),
    worldSize: Number(env.WORLD_SIZE),
    // Synchronous: what was said before a SIGKILL has been written.
    write: (stream, text) => writeSync(stream, text),
    tellEnd: () => undefined,
  });
}

/** Descriptor on which a process of several ranks tells its launcher whose fault its end is. */
export const REPORT_FD = 3;

/** All ranks of a host in this process. Each writes into the log files that it would have as a process. */
export function sharedProcess(env) {
  const first = Number(env.RANK);
  return Array.from({ length: Number(env.LOCAL_WORLD_SIZE) }, (_, localRank) => {
    const folder = join(env.SIM_RANK_LOG_DIR, String(localRank));
    return new RankProcess({
      rank: first + localRank,
      localRank,
      worldSize: Number(env.WORLD_SIZE),
      write: (stream, text) => appendFileSync(join(folder, stream === 1 ? 'stdout.log' : 'stderr.log'), text),
      tellEnd: () => writeSync(REPORT_FD, `${localRank}\n`),
    });
  });
}
