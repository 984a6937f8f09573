import { dirname, resolve } from 'node:path';
import { EXIT } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { LOCAL_TIMING } from '../../domain/timing.js';
import { readRetrain } from '../../domain/retrain/read-retrain.js';
import { makeRetrainInput } from '../../client/schedules/make-input.js';
import { withRuns } from '../context.js';
import type { CommandContext } from '../context.js';
import { renderApplied } from '../render/schedules.js';
import { readTextFile } from '../spec-file.js';
import type { ConnectFlags } from '../../client/connect.js';

/** `temper schedule apply FILE`: creates or updates a schedule and shows the difference. */
export async function scheduleApply(
  context: CommandContext,
  file: string,
  options: ConnectFlags & { readonly dryRun?: boolean },
): Promise<ExitStatus> {
  const { output, io } = context;
  const read = readRetrain(await readTextFile(file, io.cwd), file);
  for (const problem of read.problems) output.problem(problem);
  if (read.retrain === null) return EXIT.usage;
  const specFile = resolve(dirname(resolve(io.cwd, file)), read.retrain.spec);
  const specText = await readTextFile(specFile, io.cwd);
  const request = { file: read, specText, specFile };
  // What is wrong with the spec is told before anybody connects; the timers come from the server that is named.
  makeRetrainInput(request, LOCAL_TIMING, new Date().toISOString());
  const applied = await withRuns(context, options, (runs) => runs.schedules.apply(request, options.dryRun ?? false));
  output.result(applied, (paint) => renderApplied(applied, paint));
  return EXIT.ok;
}
