import { existsSync, lstatSync, readdirSync, readlinkSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { RankLogs } from '../../schemas/keeper.js';
import { hasCode } from '../system-error.js';
import { rankLogPath } from './paths.js';

/**
 * Links the per-rank logs of torchrun under their global rank.
 *
 * torchrun writes `<log dir>/<run id>_<random>/attempt_0/<local rank>/{stdout,stderr}.log` (attempts above 0 need
 * its own restarts, which Temper does not use). Should the folder hold several runs, the newest wins.
 */
export function linkRankLogs({ dir, baseRank }: RankLogs, keeperDir: string): void {
  const runs = entries(dir)
    .map((name) => join(dir, name))
    .toSorted((a, b) => lstatSync(a).mtimeMs - lstatSync(b).mtimeMs);
  for (const run of runs) {
    const attempt = join(run, 'attempt_0');
    for (const local of entries(attempt).filter((name) => /^\d+$/.test(name))) {
      const rank = baseRank + Number(local);
      link(join(attempt, local, 'stdout.log'), rankLogPath(keeperDir, rank, 'out'));
      link(join(attempt, local, 'stderr.log'), rankLogPath(keeperDir, rank, 'err'));
    }
  }
}

function link(target: string, path: string): void {
  if (!existsSync(target) || linkTarget(path) === target) return;
  const temporary = `${path}.tmp-${process.pid}`;
  symlinkSync(target, temporary);
  renameSync(temporary, path);
}

function linkTarget(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

function entries(dir: string): readonly string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    // Not made yet, or a file that torchrun keeps beside its attempts.
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}
