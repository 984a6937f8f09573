import { resolve } from 'node:path';
import { EXIT, TemperError } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { withRuns } from '../context.js';
import type { CommandContext } from '../context.js';
import { watchUntilEnd } from '../follow.js';
import { renderRecovery } from '../render/recovery.js';
import type { ConnectFlags } from '../../client/connect.js';
import { runName } from '../run-name.js';
import { readSpecFile, tellSpecProblems } from '../spec-file.js';

/** Options of `temper recover`. */
export interface RecoverOptions extends ConnectFlags {
  readonly workspace?: string;
  readonly spec?: string;
  readonly fleet?: string;
  readonly dryRun?: boolean;
  readonly watch?: boolean;
}

/** `temper recover RUN`: rebuilds a run from its folder, after Temporal's database was lost. */
export async function recover(context: CommandContext, wanted: string, options: RecoverOptions): Promise<ExitStatus> {
  const { output } = context;
  const run = runName(wanted);
  const place = await findPlace(context, options);
  if (place === null) return EXIT.usage;
  const isDry = options.dryRun ?? false;
  return withRuns(context, options, async (runs) => {
    const note = (text: string): void => output.note(text);
    const answer = await runs.recoverRun({ run, ...place, isDry, note });
    if (options.watch === true && answer.recovered) {
      output.note(renderRecovery(answer, output.paintNote, Date.now()));
      return watchUntilEnd(context, runs, run);
    }
    output.result(answer, (paint) => renderRecovery(answer, paint, Date.now()));
    return EXIT.ok;
  });
}

/** Workspace and fleet, which only Temporal knew by the run's name: said by flags, or by the spec. */
async function findPlace(
  { io, output }: CommandContext,
  { workspace, spec: file, fleet }: RecoverOptions,
): Promise<{ readonly workspace: string; readonly fleet: string } | null> {
  if (workspace !== undefined && file === undefined)
    return { workspace: resolve(io.cwd, workspace), fleet: fleet ?? 'default' };
  if (file === undefined || workspace !== undefined)
    throw new TemperError('UsageInvalid', {
      what: 'one of --workspace and --spec is needed',
      why: 'only the lost database knew where the folder of the run is',
      fix: 'give --workspace DIR, or --spec FILE with the spec that the run was started with',
    });
  const source = await readSpecFile(file, io.cwd);
  const spec = tellSpecProblems(source, output);
  return spec === null ? null : { workspace: resolve(source.baseDir, spec.workspace), fleet: fleet ?? spec.fleet.name };
}
