import { resolve } from 'node:path';
import { hasSpec, listRuns, planFor, resumeRun, startRun } from '../../client/runs.js';
import type { TemperClient } from '../../client/connect.js';
import { EXIT, TemperError } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import type { PipelineSpec } from '../../schemas/spec.js';
import type { Problem } from '../../schemas/problem.js';
import type { RunStatus } from '../../schemas/run.js';
import type { CommandContext } from '../context.js';
import { followRun, tellOutcome } from '../follow.js';
import type { Output } from '../output.js';
import type { SpecFile } from '../spec-file.js';
import { watchPatiently } from './dev-client.js';
import { isOnlyStopped } from './shut-down.js';

/** A spec that was read and found valid. */
export interface SpecToRun {
  readonly source: SpecFile;
  readonly spec: PipelineSpec;
  /** Start another run even when the newest one is open. */
  readonly isNew: boolean;
}

/**
 * Brings a run of the spec to its end: continues the newest one while it is open, else starts one (under the next
 * free number when there are others), and names it. Answers the run's result as an exit status, or `interrupted` after
 * `stop`.
 */
export async function runSpec(
  context: CommandContext,
  client: TemperClient,
  wanted: SpecToRun,
  stop: AbortSignal,
  onRun: (run: string) => void,
): Promise<ExitStatus> {
  const { output } = context;
  const run = await continueOrStart(context, client, wanted);
  onRun(run);
  for (;;) {
    const last = await followRun(watchPatiently(client, run, stop), output, stop);
    if (last === null || last.state === 'running') return EXIT.interrupted;
    if (stop.aborted || !isOnlyStopped(last)) return tellOutcome(last, output);
    // A stop that was not waited for takes effect when the workers are there again.
    output.note(`continuing ${run}, whose stop was not waited for`);
    await resume(client, run);
  }
}

/** Decides which run it is, says so, and makes sure that it goes on. */
async function continueOrStart(
  { output, io }: CommandContext,
  client: TemperClient,
  { source, spec, isNew }: SpecToRun,
): Promise<string> {
  const request = { specText: source.text, file: resolve(io.cwd, source.file), from: null, until: null };
  const known = runsOf(spec.name, await listRuns(client));
  const old = isNew ? null : await findOld(client, known, planFor({ ...request, run: null }).plan.specDigest, output);
  const { run, started, status } = await startRun(client, {
    ...request,
    run: old ?? spec.name,
    isNew: old === null && known.length > 0,
  });
  if (status.state === 'blocked') {
    output.note(`continuing ${run}, which was stopped at ${status.stage ?? 'its start'}`);
    await resume(client, run);
  } else {
    output.note(started ? `${run} started` : `${run} is running; watching it`);
  }
  return run;
}

/**
 * The run to go on with: of those since the newest that is done, the newest open one of this spec, or the newest one
 * when it ended without a result. Null when it is to be another run; open ones of other specs are left as they are.
 */
async function findOld(
  client: TemperClient,
  known: readonly RunStatus[],
  specDigest: string,
  output: Output,
): Promise<string | null> {
  const done = known.findIndex(({ state }) => state === 'done');
  const recent = done < 0 ? known : known.slice(0, done);
  const open = recent.filter(isOpen);
  for (const { run } of open) if (await hasSpec(client, run, specDigest)) return run;
  const [newest] = recent;
  if (newest !== undefined && !isOpen(newest)) return newest.run;
  for (const one of open) output.note(leftAlone(one));
  return null;
}

function isOpen({ state }: RunStatus): boolean {
  return state === 'running' || state === 'blocked';
}

/** What a person may want to do about an open run of another spec. */
function leftAlone({ run, state }: Pick<RunStatus, 'run' | 'state'>): string {
  return state === 'blocked'
    ? `${run} waits with another spec, so this is another run; temper resume ${run} continues it, temper cancel ${run} ends it`
    : `${run} is running with another spec, so this is another run, which may wait for its hosts; temper cancel ${run} ends it`;
}

async function resume(client: TemperClient, run: string): Promise<void> {
  const { resumed, problems } = await resumeRun(client, run, { set: [], from: null });
  if (resumed) return;
  throw new TemperError('SpecInvalid', {
    where: run,
    what: `${run} stays blocked: ${problems.map(({ what }) => what).join('; ') || 'it gave no reason'}`,
    fix: howToCorrect(run, problems),
  });
}

/** Each problem names its field behind the place in the file. */
function howToCorrect(run: string, problems: readonly Problem[]): string {
  const fields = problems
    .map(({ where }) => / ([\w.-]+)$/.exec(where ?? '')?.[1])
    .filter((field) => field !== undefined);
  if (fields.length === 0) return `temper status ${run} tells what it waits for`;
  const flags = [...new Set(fields)].map((field) => `--set ${field}=VALUE`);
  return `temper resume ${run} ${flags.join(' ')} with values that are right`;
}

/** Numbered runs are `name-2`, `name-3`, ...; the client cuts long names before the number. */
function runsOf(name: string, newestFirst: readonly RunStatus[]): readonly RunStatus[] {
  const isNumbered = (run: string): boolean => {
    const match = /^(.+)-\d+$/.exec(run);
    return (
      match !== null && match[1] === name.slice(0, match[1]?.length) && (match[1] === name || match[1].length >= 36)
    );
  };
  return newestFirst.filter(({ run }) => run === name || isNumbered(run));
}
