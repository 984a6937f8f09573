import { EXIT } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { absoluteSet } from '../../domain/spec/edit-spec.js';
import type { StageName } from '../../schemas/plan.js';
import type { ResumeAnswer, SpecSet } from '../../schemas/run.js';
import { withRuns } from '../context.js';
import type { CommandContext } from '../context.js';
import { findRun } from '../find-run.js';
import { watchUntilEnd } from '../follow.js';
import type { ConnectFlags } from '../../client/connect.js';

/** Options of `temper resume`. */
export interface ResumeOptions extends ConnectFlags {
  readonly set?: readonly SpecSet[];
  readonly from?: StageName;
  readonly watch?: boolean;
}

/** `temper resume RUN`: continues a blocked run, with corrections; exit 4 when it stays blocked. */
export async function resume(context: CommandContext, wanted: string, options: ResumeOptions): Promise<ExitStatus> {
  const { output, io } = context;
  return withRuns(context, options, async (runs) => {
    const { run } = await findRun(runs, wanted);
    const set = (options.set ?? []).map((one) => absoluteSet(one, io.cwd));
    const answer = await runs.resumeRun(run, { set, from: options.from ?? null });
    for (const problem of answer.problems) output.problem(problem);
    if (options.watch === true && answer.resumed) {
      output.note(told(run, answer));
      return watchUntilEnd(context, runs, run);
    }
    output.result({ ...answer, run }, () => told(run, answer));
    return answer.resumed ? EXIT.ok : EXIT.blocked;
  });
}

function told(run: string, { resumed, invalidated }: ResumeAnswer): string {
  if (!resumed) return `${run} stays blocked`;
  return invalidated.length === 0 ? `${run} continues` : `${run} continues; made again: ${invalidated.join(', ')}`;
}
