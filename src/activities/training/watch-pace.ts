import { log } from '@temporalio/activity';
import { PaceWindow } from '../../domain/gang/pace.js';
import type { KeeperHandle } from '../../host/keeper/handle.js';
import { readRankTimes } from '../../host/processes/rank-times.js';
import { writePace } from '../../host/run/pace-file.js';
import type { Pace } from '../../schemas/pace.js';

/** Follows how busy the ranks of a host are, so that a host which the others wait for can be named. */
export class PaceWatch {
  readonly #window = new PaceWindow();

  /** What the ranks did of late; null while they are not known. Kept beside their logs, for after a failure. */
  async look(keeper: KeeperHandle): Promise<Pace | null> {
    const status = await keeper.status();
    if (status.state !== 'running') return null;
    const pace = this.#window.look({ nowMs: performance.now(), ranks: readRankTimes(status.record) });
    if (pace === null) return null;
    try {
      await writePace(keeper.paths.dir, pace);
    } catch (error) {
      log.debug('the pace of the ranks was not kept', { error });
    }
    return pace;
  }
}
