import { resolve } from 'node:path';
import { EXIT, TemperError } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { absoluteSpecText, applySets } from '../../domain/spec/edit-spec.js';
import { formatSpecProblem } from '../../domain/spec/finding.js';
import { readSpec } from '../../domain/spec/read-spec.js';
import { findRecipe, RECIPES } from '../../recipes/registry.js';
import type { StageName } from '../../schemas/plan.js';
import type { PipelineSpec } from '../../schemas/spec.js';
import { withRuns } from '../context.js';
import type { CommandContext } from '../context.js';
import { howToGoOn, runExitStatus, watchUntilEnd } from '../follow.js';
import { renderStatus } from '../render/status.js';
import type { ConnectFlags } from '../../client/connect.js';
import type { StartAnswer } from '../run-service.js';
import { runName } from '../run-name.js';
import { readSpecFile, tellSpecProblems } from '../spec-file.js';
import type { SpecFile } from '../spec-file.js';

/** Options of `temper start`. */
export interface StartOptions extends ConnectFlags {
  readonly run?: string;
  readonly new?: boolean;
  readonly watch?: boolean;
  readonly from?: StageName;
  readonly until?: StageName;
  readonly fromCheckpoint?: string;
}

/** `temper start FILE`: starts a run, or says that it is there already. */
export async function start(context: CommandContext, file: string, options: StartOptions): Promise<ExitStatus> {
  const { output, io } = context;
  const source = withCheckpoint(await readSpecFile(file, io.cwd), options.fromCheckpoint, io.cwd);
  const spec = tellSpecProblems(source, output);
  if (spec === null) return EXIT.usage;
  refuseAbsentStages(spec, options);
  const run = runName(options.run ?? spec.name);
  return withRuns(context, options, async (runs) => {
    const answer = await runs.startRun({
      specText: absoluteSpecText(source.text, source.baseDir),
      file: resolve(io.cwd, file),
      run,
      isNew: options.new ?? false,
      from: options.from ?? null,
      until: options.until ?? null,
    });
    if (options.watch !== true) {
      const { status } = answer;
      const isBlocked = status.state === 'blocked';
      output.result({ v: 1, ...answer }, (paint) =>
        isBlocked ? `${told(answer)}\n\n${renderStatus(status, paint, Date.now())}` : told(answer),
      );
      if (isBlocked) output.note(howToGoOn(answer.run));
      return runExitStatus(status);
    }
    output.note(told(answer));
    return watchUntilEnd(context, runs, answer.run);
  });
}

/** Not every recipe has all stages; a run up to one that is not there, or that ends before it begins, does nothing of it. */
function refuseAbsentStages(spec: PipelineSpec, { from, until }: Pick<StartOptions, 'from' | 'until'>): void {
  const stages =
    findRecipe(spec.recipe)
      ?.stages(spec)
      .map(({ name }) => name) ?? [];
  for (const [flag, stage] of Object.entries({ '--from': from, '--until': until })) {
    if (stage === undefined || stages.includes(stage)) continue;
    throw new TemperError('UsageInvalid', {
      where: flag,
      what: `the recipe ${spec.recipe} has no stage ${stage}`,
      fix: `name one of ${stages.join(', ')}`,
    });
  }
  if (from === undefined || until === undefined || stages.indexOf(from) <= stages.indexOf(until)) return;
  throw new TemperError('UsageInvalid', {
    where: '--from',
    what: `${from} comes after ${until}, where --until stops`,
    why: `the stages are ${stages.join(', ')}`,
    fix: 'name an earlier stage with --from, or a later one with --until',
  });
}

/** `--from-checkpoint` is the field train.fromCheckpoint, given on the command line. */
function withCheckpoint(source: SpecFile, folder: string | undefined, cwd: string): SpecFile {
  if (folder === undefined) return source;
  const { text, problems } = applySets(source.text, [
    { path: 'train.fromCheckpoint', value: JSON.stringify(resolve(cwd, folder)) },
  ]);
  if (problems.length > 0)
    throw new TemperError('UsageInvalid', {
      what: problems.map(formatSpecProblem).join('; '),
      fix: 'give the folder of a checkpoint',
    });
  return { ...source, text, ...readSpec(text, { file: source.file, baseDir: source.baseDir, recipes: RECIPES }) };
}

function told({ run, started, status }: StartAnswer): string {
  return started
    ? `${run} started; temper watch ${run} follows it`
    : `${run} is there already (${status.state}) and was not started again`;
}
