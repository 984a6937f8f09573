/** The life of one keeper's command. All times are ms since the epoch, by clocks that agree. */
export interface KeeperSpan {
  readonly id: string;
  readonly host: string;
  readonly run: string;
  readonly attempt: number;
  readonly startedMs: number;
  /** Null while it runs. */
  readonly endedMs: number | null;
  /** Folders that its attempt reads: what its load view shows. */
  readonly reads: readonly string[];
}

/** One iteration that a rank has made, by its log. */
export interface StepRecord {
  readonly run: string;
  readonly attempt: number;
  readonly host: string;
  readonly iteration: number;
  readonly atMs: number;
}

/** One file of a checkpoint that was written last at `atMs`, in the save folder of an attempt. */
export interface WriteRecord {
  readonly run: string;
  readonly attempt: number;
  readonly path: string;
  readonly atMs: number;
}

/** The fence of a run, as it stands at the end. */
export interface FenceRecord {
  readonly run: string;
  readonly attempt: number;
}

/** What keepers, ranks and the workspace tell about some runs. */
export interface Records {
  readonly keepers: readonly KeeperSpan[];
  readonly steps: readonly StepRecord[];
  readonly writes: readonly WriteRecord[];
  readonly fences: readonly FenceRecord[];
}

export interface Violation {
  readonly kind:
    | 'steps-interleaved'
    | 'step-without-keeper'
    | 'host-shared'
    | 'write-without-keeper'
    | 'write-into-used'
    | 'fence-too-low';
  readonly what: string;
}

/**
 * Finds where records contradict the invariant: no two attempts make steps, or write into a folder in use, at the same
 * time. Pure. What the times leave open within `slackMs` is no violation: the resolution of log lines, for one.
 */
export function findViolations(records: Records, { slackMs = 0 }: { readonly slackMs?: number } = {}): Violation[] {
  return [
    ...interleavedSteps(records, slackMs),
    ...stepsWithoutKeeper(records, slackMs),
    ...sharedHosts(records, slackMs),
    ...writesWithoutKeeper(records, slackMs),
    ...writesIntoUsed(records, slackMs),
    ...lowFences(records),
  ];
}

/** Throws with all violations. */
export function expectInvariant(records: Records, options?: { readonly slackMs?: number }): void {
  const found = findViolations(records, options);
  if (found.length > 0) throw new Error(found.map(({ kind, what }) => `${kind}: ${what}`).join('\n'));
}

/** Once an attempt has made a step, no older one of its run makes any. */
function interleavedSteps({ steps }: Records, slackMs: number): Violation[] {
  const firstMs = new Map<string, Map<number, number>>();
  for (const { run, attempt, atMs } of steps) {
    const attempts = firstMs.get(run) ?? new Map<number, number>();
    firstMs.set(run, attempts.set(attempt, Math.min(atMs, attempts.get(attempt) ?? atMs)));
  }
  return steps.flatMap((step) =>
    [...(firstMs.get(step.run) ?? [])]
      .filter(([attempt, first]) => attempt > step.attempt && step.atMs > first + slackMs)
      .map(([attempt, first]): Violation => ({
        kind: 'steps-interleaved',
        what: `${nameOf(step)} made iteration ${step.iteration} ${step.atMs - first} ms after attempt ${attempt} began`,
      })),
  );
}

/** A step of a rank whose keeper has told its end, or none of whose keepers ran, is made by a survivor. */
function stepsWithoutKeeper({ steps, keepers }: Records, slackMs: number): Violation[] {
  return steps
    .filter(
      (step) => !keepers.some((span) => isOf(span, step) && span.host === step.host && holds(span, step.atMs, slackMs)),
    )
    .map((step) => ({
      kind: 'step-without-keeper',
      what: `${nameOf(step)} made iteration ${step.iteration} on ${step.host} at ${step.atMs}, when no keeper of it ran`,
    }));
}

/** A host trains one attempt at a time, of whichever run. */
function sharedHosts({ keepers }: Records, slackMs: number): Violation[] {
  return keepers.flatMap((one, index) =>
    keepers
      .slice(index + 1)
      .filter((other) => one.host === other.host && !isOf(one, other) && overlapMs(one, other) > slackMs)
      .map((other): Violation => ({
        kind: 'host-shared',
        what: `${one.id} and ${other.id} ran on ${one.host} together for ${overlapMs(one, other)} ms`,
      })),
  );
}

/** What is written into the save folder of an attempt while none of its keepers runs is not its own work. */
function writesWithoutKeeper({ writes, keepers }: Records, slackMs: number): Violation[] {
  return writes
    .filter((write) => !keepers.some((span) => isOf(span, write) && holds(span, write.atMs, slackMs)))
    .map((write) => ({
      kind: 'write-without-keeper',
      what: `${write.path} was written at ${write.atMs}, when no keeper of ${nameOf(write)} ran`,
    }));
}

/** A checkpoint that an attempt has loaded does not change while it trains. */
function writesIntoUsed({ writes, keepers }: Records, slackMs: number): Violation[] {
  return writes.flatMap((write) =>
    keepers
      .filter((span) => span.reads.some((folder) => isIn(write.path, folder)) && holds(span, write.atMs, -slackMs))
      .map((span): Violation => ({
        kind: 'write-into-used',
        what: `${write.path} was written at ${write.atMs}, while ${span.id} used it`,
      })),
  );
}

/** Attempts begin after the fence was raised to them, and it is never lowered. */
function lowFences({ keepers, fences }: Records): Violation[] {
  return keepers
    .filter((span) => !fences.some(({ run, attempt }) => run === span.run && attempt >= span.attempt))
    .map((span) => ({ kind: 'fence-too-low', what: `the fence of ${span.run} is below ${span.id}` }));
}

function isOf(span: KeeperSpan, { run, attempt }: { readonly run: string; readonly attempt: number }): boolean {
  return span.run === run && span.attempt === attempt;
}

/** Whether an instant lies in a life that is longer by `marginMs` at both ends, or shorter if that is negative. */
function holds({ startedMs, endedMs }: KeeperSpan, atMs: number, marginMs: number): boolean {
  return atMs >= startedMs - marginMs && atMs <= (endedMs ?? Number.POSITIVE_INFINITY) + marginMs;
}

function overlapMs(one: KeeperSpan, other: KeeperSpan): number {
  const end = Math.min(one.endedMs ?? Number.POSITIVE_INFINITY, other.endedMs ?? Number.POSITIVE_INFINITY);
  return end - Math.max(one.startedMs, other.startedMs);
}

function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function nameOf({ run, attempt }: { readonly run: string; readonly attempt: number }): string {
  return `attempt ${attempt} of ${run}`;
}
