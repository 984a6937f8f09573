import type { RetentionPolicy } from '../schemas/retention.js';

/** A run's folder and what it needs. Paths are relative to the workspace. */
export interface RunFacts {
  readonly name: string;
  readonly bytes: number;
  readonly touchedMs: number;
  /** Why it may still be going on; null when it has ended for certain. */
  readonly open: string | null;
  /** Outputs in the store that its records name, as `stage/key`. */
  readonly outputs: readonly string[];
  /** Other paths of the workspace that it uses: checkpoints that it starts from, sources that its spec names. */
  readonly uses: readonly string[];
}

/** An output in the store. */
export interface OutputFacts {
  /** `stage/key`. */
  readonly id: string;
  readonly bytes: number;
  readonly touchedMs: number;
  /** Somebody makes it now, or has not given up the right to. */
  readonly isClaimed: boolean;
  /** Files of runs that its receipt names, such as the trained checkpoint. */
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
}

/** What the limits let go of, and what stays in spite of them. */
export interface Surplus {
  readonly runs: readonly { readonly name: string; readonly why: string }[];
  readonly outputs: readonly { readonly id: string; readonly why: string }[];
  /** Runs that a limit meant, and why they stay. */
  readonly kept: readonly { readonly run: string; readonly why: string }[];
}

/** What may go: runs that a limit means and nothing needs, and outputs that nothing needs then. */
export function findSurplus(survey: Survey, policy: RetentionPolicy, nowMs: number): Surplus {
  const meant = meantRuns(survey, policy, nowMs);
  let going = settleGoing(survey, meant);
  if (policy.maxBytes !== null) {
    const ended = [...survey.runs].filter(({ open }) => open === null).sort((a, b) => a.touchedMs - b.touchedMs);
    for (const { name } of ended) {
      if (bytesLeft(survey, going, policy, nowMs) <= policy.maxBytes) break;
      if (meant.has(name)) continue;
      meant.set(name, `runs and store are larger than ${policy.maxBytes} bytes`);
      // All that were meant: one that was needed until now may go with the one that needed it.
      going = settleGoing(survey, meant);
    }
  }
  const kept = [...meant.keys()].filter((name) => !going.has(name));
  return {
    runs: [...going].map(([name, why]) => ({ name, why })),
    outputs: surplusOutputs(survey, going, policy, nowMs).map(({ id }) => ({
      id,
      why: 'no run and no model needs it',
    })),
    kept: kept.map((run) => ({ run, why: whyNeeded(survey, run, going) ?? 'it is needed' })),
  };
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

function needed({ runs, outputs, promoted }: Survey, going: Going): { runs: Set<string>; outputs: Set<string> } {
  const staying = runs.filter(({ name }) => !going.has(name));
  const uses = staying.flatMap((run) => run.uses);
  const neededOutputs = new Set([
    ...staying.flatMap((run) => run.outputs),
    ...promoted.map(({ output }) => output),
    ...outputs
      .filter(({ id, isClaimed }) => isClaimed || uses.some((path) => isWithin(path, `store/${id}`)))
      .map(({ id }) => id),
  ]);
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
  return survey.outputs.filter(
    ({ id, touchedMs }) =>
      !outputs.has(id) && (gone.has(id) || olderThanMs === null || nowMs - touchedMs > olderThanMs),
  );
}

function bytesLeft(survey: Survey, going: Going, policy: RetentionPolicy, nowMs: number): number {
  const outputs = new Set(surplusOutputs(survey, going, policy, nowMs).map(({ id }) => id));
  const runs = survey.runs.filter(({ name }) => !going.has(name));
  return [...runs, ...survey.outputs.filter(({ id }) => !outputs.has(id))].reduce((sum, { bytes }) => sum + bytes, 0);
}

function whyNeeded(survey: Survey, run: string, going: Going): string | null {
  const model = survey.promoted.find((one) => one.run === run);
  if (model !== undefined) return `it made ${model.label}`;
  const { outputs } = needed(survey, going);
  const output = survey.outputs.find(
    ({ id, points }) => outputs.has(id) && points.some((path) => runOfPath(path) === run),
  );
  if (output !== undefined) return `store/${output.id}, which is needed, names files of it`;
  const user = survey.runs.find(({ name, uses }) => !going.has(name) && uses.some((path) => runOfPath(path) === run));
  return user === undefined ? null : `run ${user.name} uses it`;
}

function runOfPath(path: string): string | null {
  return /^runs\/([^/]+)(?:\/|$)/.exec(path)?.[1] ?? null;
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`) || folder.startsWith(`${path}/`);
}
