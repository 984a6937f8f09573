import { readProgressBar } from '../domain/text/progress-bar.js';
import type { KeeperHandle } from '../host/keeper/handle.js';
import { tailLog } from '../host/processes/tail.js';
import type { Progress } from '../schemas/run.js';

/** Longer lines are for the log. */
const MOST_CHARACTERS = 160;

/** The newest line that a command wrote; of a progress bar its numbers and what they count. */
export async function newestLine({ paths }: Pick<KeeperHandle, 'paths'>): Promise<Partial<Progress>> {
  for (const path of [paths.stderr, paths.stdout]) {
    const line = (await tailLog(path, { maxBytes: 4_096, maxLines: 1 })).lines.at(-1)?.trim();
    if (line === undefined || line === '') continue;
    const bar = readProgressBar(line);
    if (bar === null) return { text: line.slice(0, MOST_CHARACTERS) };
    return { text: bar.label.slice(0, MOST_CHARACTERS), done: bar.done, total: bar.total };
  }
  return {};
}
