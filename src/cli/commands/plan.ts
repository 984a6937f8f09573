import { resolve } from 'node:path';
import { EXIT, TemperError } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { absoluteSpecText } from '../../domain/spec/edit-spec.js';
import type { PlanReport } from '../../schemas/host-call.js';
import { withRuns } from '../context.js';
import type { CommandContext } from '../context.js';
import { renderPlan } from '../render/plan.js';
import type { ConnectFlags } from '../../client/connect.js';
import { runName } from '../run-name.js';
import type { RunService } from '../run-service.js';
import { readSpecFile, tellSpecProblems } from '../spec-file.js';

export interface PlanOptions extends ConnectFlags {
  readonly run?: string;
  readonly offline?: boolean;
}

/** `temper plan FILE`: what a run would do, seen by a host; without a server or a host only what the spec says. */
export async function plan(context: CommandContext, file: string, options: PlanOptions): Promise<ExitStatus> {
  const { output, io } = context;
  const source = await readSpecFile(file, io.cwd);
  const spec = tellSpecProblems(source, output);
  if (spec === null) return EXIT.usage;
  const request = {
    specText: absoluteSpecText(source.text, source.baseDir),
    file: resolve(io.cwd, file),
    run: runName(options.run ?? spec.name),
  };
  const report = options.offline === true ? await planAlone(request) : await planSeen(context, request, options);
  output.result(report, (paint) => renderPlan(report, paint));
  return report.problems.length === 0 ? EXIT.ok : EXIT.failed;
}

type PlanRequest = Parameters<RunService['planOnHost']>[0];

async function planSeen(context: CommandContext, request: PlanRequest, flags: ConnectFlags): Promise<PlanReport> {
  try {
    return await withRuns(context, flags, (runs) => runs.planOnHost(request));
  } catch (error) {
    const isAlone =
      error instanceof TemperError && ['Unreachable', 'HostUnreachable', 'NoHosts'].includes(error.problem.code);
    if (!isAlone) throw error;
    context.output.note(`${error.problem.what}: planning from the spec alone`);
    return planAlone(request);
  }
}

async function planAlone(request: PlanRequest): Promise<PlanReport> {
  const { planOffline } = await import('../../client/plans.js');
  return planOffline(request);
}
