import type { RetentionPolicy } from '../schemas/retention.js';
import { bytesFreed, bytesTaken, sum, type Size } from './text/sizes.js';
import { fetchingRun, surplusDownloads, type DownloadFacts } from './surplus-downloads.js';

/** A run's folder and what it needs. Paths are relative to the workspace. */
export interface RunFacts extends Size {
  readonly name: string;
  readonly touchedMs: number;
  /** Why it may still be going on; null when it has ended for certain. */
  readonly open: string | null;
  /** Outputs in the store that its records name, as `stage/key`. */
  readonly outputs: readonly string[];
  /** Other paths of the workspace that it uses: checkpoints that it starts from, sources that its spec names. */
  readonly uses: readonly string[];
}

/** An output in the store. */
export interface OutputFacts extends Size {
  /** `stage/key`. */
  readonly id: string;
  readonly touchedMs: number;
  /** Somebody makes it now, or has not given up the right to. */
  readonly isClaimed: boolean;
  /** Files of runs and of other outputs that its receipt names, such as the trained checkpoint. */
  readonly points: readonly string[];
}

/** A promoted model. */
export interface PromotedFacts {
  readonly label: string;
  readonly run: string;
  readonly output: string;
}

/** Everything in a workspace that retention judges. */
export interface Survey {
  readonly runs: readonly RunFacts[];
  readonly outputs: readonly OutputFacts[];
  readonly promoted: readonly PromotedFacts[];
  /** Schedules, and the paths of the workspace that their runs will use. */
  readonly scheduled: readonly { readonly name: string; readonly uses: readonly string[] }[];
  readonly downloads: readonly DownloadFacts[];
}

/** What the limits let go of, and what stays in spite of them. */
export interface Surplus {
  readonly runs: readonly { readonly name: string; readonly why: string }[];
  readonly outputs: readonly { readonly id: string; readonly why: string }[];
  readonly downloads: readonly { readonly name: string; readonly why: string }[];
  /** Runs that a limit meant, and why they stay. */
  readonly kept: readonly { readonly run: string; readonly why: string }[];
}

/**
 * What may go: runs that a limit means and nothing needs, and outputs and downloads that nothing needs then. `spared`
 * are bytes of runs' checkpoints that go in any case.
 */
export function findSurplus(
  survey: Survey,
  policy: RetentionPolicy,
  nowMs: number,
  spared: ReadonlyMap<string, number> = new Map(),
): Surplus {
  const meant = meantRuns(survey, policy, nowMs);
  let going = settleGoing(survey, meant);
  if (policy.maxBytes !== null) {
    const ended = [...survey.runs].filter(({ open }) => open === null).sort((a, b) => a.touchedMs - b.touchedMs);
    for (const { name } of ended) {
      if (bytesLeft(survey, going, policy, nowMs, spared) <= policy.maxBytes) break;
      if (meant.has(name)) continue;
      meant.set(name, `runs, store and downloads are larger than ${policy.maxBytes} bytes`);
      // All that were meant: one that was needed until now may go with the one that needed it.
      going = settleGoing(survey, meant);
    }
  }
  const kept = [...meant.keys()].filter((name) => !going.has(name));
  const { outputs, downloads } = goingWith(survey, going, policy, nowMs);
  const fetching = survey.downloads.length === 0 ? null : fetchingRun(survey);
  return {
    runs: [...going].map(([name, why]) => ({ name, why })),
    outputs: outputs.map(({ id }) => ({ id, why: 'no run and no model needs it' })),
    downloads,
    kept: [
      ...kept.map((run) => ({ run, why: whyNeeded(survey, run, going) ?? 'it is needed' })),
      ...(fetching === null
        ? []
        : [{ run: fetching, why: 'it may not have all that it downloads, so no download is removed' }]),
    ],
  };
}

/** All that is measured: bytes on the disk. */
export function totalBytes({ runs, outputs, downloads }: Survey): number {
  return bytesTaken([...runs, ...outputs, ...downloads]);
}

/** What a run or output that is not in the survey any more is needed by now, or null. */
export function neededNow(survey: Survey): {
  readonly runs: ReadonlySet<string>;
  readonly outputs: ReadonlySet<string>;
} {
  return needed(survey, new Map());
}

function meantRuns({ runs }: Survey, { olderThanMs, keepRuns }: RetentionPolicy, nowMs: number): Map<string, string> {
  const meant = new Map<string, string>();
  const ended = runs.filter(({ open }) => open === null).sort((a, b) => b.touchedMs - a.touchedMs);
  for (const [index, { name, touchedMs }] of ended.entries()) {
    if (olderThanMs !== null && nowMs - touchedMs > olderThanMs) meant.set(name, 'it is older than the limit');
    else if (keepRuns !== null && index >= keepRuns) meant.set(name, `${keepRuns} newer runs are kept`);
  }
  return meant;
}

type Going = ReadonlyMap<string, string>;

/** Takes out of what is to go whatever something that stays needs, until nothing changes any more. */
function settleGoing(survey: Survey, meant: Going): Map<string, string> {
  const going = new Map(meant);
  for (;;) {
    const { runs } = needed(survey, going);
    const held = [...going.keys()].filter((name) => runs.has(name));
    if (held.length === 0) return going;
    for (const name of held) going.delete(name);
  }
}

function needed(
  { runs, outputs, promoted, scheduled }: Survey,
  going: Going,
): { runs: Set<string>; outputs: Set<string> } {
  const staying = runs.filter(({ name }) => !going.has(name));
  const uses = [...staying, ...scheduled].flatMap((user) => user.uses);
  const neededOutputs = new Set([
    ...staying.flatMap((run) => run.outputs),
    ...promoted.map(({ output }) => output),
    ...outputs
      .filter(({ id, isClaimed }) => isClaimed || uses.some((path) => isWithin(path, `store/${id}`)))
      .map(({ id }) => id),
  ]);
  // One that was adopted from another one needs it, and that one may have been as well.
  for (const id of neededOutputs) {
    const points = outputs.find((output) => output.id === id)?.points ?? [];
    for (const other of points.map(outputOfPath)) if (other !== null) neededOutputs.add(other);
  }
  const points = outputs.filter(({ id }) => neededOutputs.has(id)).flatMap((output) => output.points);
  const neededRuns = new Set([
    ...runs.filter(({ open }) => open !== null).map(({ name }) => name),
    ...promoted.map(({ run }) => run),
    ...[...points, ...uses].map(runOfPath).filter((name) => name !== null),
  ]);
  return { runs: neededRuns, outputs: neededOutputs };
}

function surplusOutputs(survey: Survey, going: Going, { olderThanMs }: RetentionPolicy, nowMs: number): OutputFacts[] {
  const { outputs } = needed(survey, going);
  const gone = new Set(survey.runs.filter(({ name }) => going.has(name)).flatMap((run) => run.outputs));
  const surplus = new Set(
    survey.outputs.filter(
      ({ id, touchedMs }) =>
        !outputs.has(id) && (gone.has(id) || olderThanMs === null || nowMs - touchedMs > olderThanMs),
    ),
  );
  const goes = (path: string): boolean => [...surplus].some(({ id }) => id === outputOfPath(path));
  // One that names files of an output that goes would be taken for proven and is nothing.
  for (let before = -1; before < surplus.size;) {
    before = surplus.size;
    for (const output of survey.outputs) if (output.points.some(goes)) surplus.add(output);
  }
  return survey.outputs.filter((output) => surplus.has(output));
}

/** Outputs and downloads that go when these runs do. */
function goingWith(survey: Survey, going: Going, policy: RetentionPolicy, nowMs: number) {
  const outputs = surplusOutputs(survey, going, policy, nowMs);
  return { outputs, downloads: surplusDownloads(survey, outputs, policy, nowMs) };
}

function bytesLeft(
  survey: Survey,
  going: Going,
  policy: RetentionPolicy,
  nowMs: number,
  spared: ReadonlyMap<string, number>,
): number {
  const { outputs, downloads } = goingWith(survey, going, policy, nowMs);
  const runs = survey.runs.filter(({ name }) => going.has(name));
  const files = survey.downloads.filter(({ name }) => downloads.some((one) => one.name === name));
  const ofStaying = [...spared].filter(([run]) => !going.has(run)).map(([, bytes]) => bytes);
  return totalBytes(survey) - sum([...bytesFreed([...runs, ...outputs, ...files]), ...ofStaying]);
}

function whyNeeded(survey: Survey, run: string, going: Going): string | null {
  const model = survey.promoted.find((one) => one.run === run);
  if (model !== undefined) return `it made ${model.label}`;
  const user = survey.runs.find(({ name, uses }) => !going.has(name) && uses.some((path) => runOfPath(path) === run));
  if (user !== undefined) return `run ${user.name} uses it`;
  const schedule = survey.scheduled.find(({ uses }) => uses.some((path) => runOfPath(path) === run));
  if (schedule !== undefined) return `schedule ${schedule.name} uses it`;
  const { outputs } = needed(survey, going);
  const output = survey.outputs.find(
    ({ id, points }) => outputs.has(id) && points.some((path) => runOfPath(path) === run),
  );
  return output === undefined ? null : `store/${output.id}, which is needed, names files of it`;
}

function runOfPath(path: string): string | null {
  return /^runs\/([^/]+)(?:\/|$)/.exec(path)?.[1] ?? null;
}

function outputOfPath(path: string): string | null {
  return /^store\/([^/]+\/[^/]+)(?:\/|$)/.exec(path)?.[1] ?? null;
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`) || folder.startsWith(`${path}/`);
}
