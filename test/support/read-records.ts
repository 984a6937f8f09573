import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { attemptFolder, attemptOfFolder } from '../../src/domain/ids.js';
import { fenceFile, readFence } from '../../src/host/fence/workspace-fence.js';
import { listKeepers } from '../../src/host/keeper/client.js';
import { readExitFile, readRecordFile } from '../../src/host/keeper/files.js';
import type { KeeperHandle } from '../../src/host/keeper/handle.js';
import { runDir } from '../../src/host/run/run-folder.js';
import type { FenceRecord, KeeperSpan, Records, StepRecord, WriteRecord } from './invariant.js';

/** Where the records of a fleet lie. */
export interface Site {
  readonly workspace: string;
  readonly runs: readonly string[];
  /** Scratch folder of each host by its name. */
  readonly scratch: ReadonlyMap<string, string>;
}

/** Log lines tell whole seconds, by the clock of the host: two of them may be a second apart and be one instant. */
export const LOG_RESOLUTION_MS = 1_000;

/** Reads what keepers, rank logs and the workspace tell about trainings; for `findViolations`. */
export async function readRecords({ workspace, runs, scratch }: Site): Promise<Records> {
  const keepers: KeeperSpan[] = [];
  const steps: StepRecord[] = [];
  for (const [host, dir] of scratch) {
    for (const keeper of listKeepers(dir)) {
      const span = spanOf(keeper, host, workspace);
      if (span === null || !runs.includes(span.run)) continue;
      keepers.push(span);
      steps.push(...stepsOf(keeper, span));
    }
  }
  const fences: FenceRecord[] = [];
  for (const run of runs) {
    const fence = await readFence(fenceFile(workspace, run));
    if (fence !== null) fences.push({ run, attempt: fence.attempt });
  }
  return { keepers, steps, writes: runs.flatMap((run) => writesOf(workspace, run)), fences };
}

/** Null for keepers of other stages, and for those that never started their command. */
function spanOf(keeper: KeeperHandle, host: string, workspace: string): KeeperSpan | null {
  const request = keeper.request();
  if (request?.fence === undefined) return null;
  const record = readRecordFile(keeper.paths);
  if (record === null) return null;
  const exit = readExitFile(keeper.paths);
  const { run } = request.labels;
  const { attempt } = request.fence;
  return {
    id: keeper.id,
    host,
    run,
    attempt,
    startedMs: Date.parse(record.startedAt),
    endedMs: exit === null ? null : Date.parse(exit.endedAt),
    reads: loadedBy(join(runDir(workspace, run), 'attempts', attemptFolder(attempt), 'load')),
  };
}

function loadedBy(view: string): readonly string[] {
  return entries(view)
    .map((name) => join(view, name))
    .filter((path) => existsSync(path) && statSync(path).isDirectory())
    .map((path) => realpathSync(path));
}

/** ` [2026-11-23 19:45:00] iteration 3/10 | ...`, in the zone of the ranks, which is that of the tests. */
const STEP = /\[(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)\] iteration +(\d+)\//;

function stepsOf(keeper: KeeperHandle, { run, attempt, host }: KeeperSpan): readonly StepRecord[] {
  const logs = readdirSync(keeper.paths.dir).filter((name) => /^rank-\d+\.out$/.test(name));
  return logs.flatMap((name) =>
    readFileSync(join(keeper.paths.dir, name), 'utf8')
      .split('\n')
      .flatMap((line) => {
        const [, day, time, iteration] = STEP.exec(line) ?? [];
        if (iteration === undefined) return [];
        return [{ run, attempt, host, iteration: Number(iteration), atMs: Date.parse(`${day}T${time}`) }];
      }),
  );
}

function writesOf(workspace: string, run: string): readonly WriteRecord[] {
  const root = join(runDir(workspace, run), 'attempts');
  return entries(root).flatMap((name) => {
    const attempt = attemptOfFolder(name);
    if (attempt === null) return [];
    const saves = join(root, name, 'ckpt');
    return entries(saves).flatMap((save) => filesIn(join(saves, save), { run, attempt }));
  });
}

function filesIn(folder: string, of: Pick<WriteRecord, 'run' | 'attempt'>): readonly WriteRecord[] {
  return entries(folder).map((name) => {
    const path = realpathSync(join(folder, name));
    return { ...of, path, atMs: statSync(path).mtimeMs };
  });
}

function entries(folder: string): readonly string[] {
  return existsSync(folder) && statSync(folder).isDirectory() ? readdirSync(folder) : [];
}
