import { resolve } from 'node:path';
import { EXIT, TemperError } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { absoluteSpecText } from '../../domain/spec/edit-spec.js';
import type { PlanReport } from '../../schemas/host-call.js';
import { withRuns } from '../context.js';
import type { CommandContext } from '../context.js';
import { findRun } from '../find-run.js';
import { renderPlan } from '../render/plan.js';
import type { ConnectFlags } from '../../client/connect.js';
import { runName } from '../run-name.js';
import type { RunService } from '../run-service.js';
import { isSpecFile, readSpecFile, tellSpecProblems } from '../spec-file.js';

/** Options of `temper plan`. */
export interface PlanOptions extends ConnectFlags {
  readonly run?: string;
  readonly offline?: boolean;
  /** Show each command of each host, word by word. */
  readonly commands?: boolean;
}

/**
 * `temper plan SPEC|RUN`: what a run would do, seen by a host; of a spec without a server or a host only what it says.
 */
export async function plan(context: CommandContext, what: string, options: PlanOptions): Promise<ExitStatus> {
  const report = (await isSpecFile(what, context.io.cwd))
    ? await planSpec(context, what, options)
    : await planRun(context, what, options);
  if (report === null) return EXIT.usage;
  context.output.result(report, (paint) => renderPlan(report, paint, options.commands));
  return report.problems.length === 0 ? EXIT.ok : EXIT.failed;
}

async function planRun(context: CommandContext, wanted: string, options: PlanOptions): Promise<PlanReport> {
  const flag = options.offline === true ? '--offline' : options.run === undefined ? null : '--run';
  if (flag !== null)
    throw new TemperError('UsageInvalid', {
      where: flag,
      what: `${wanted} is a run, or a file that is not there`,
      why: `the plan of a run is asked of its hosts under its own name, so that ${flag} has no meaning`,
      fix: `leave ${flag} out, or give a spec file`,
    });
  return withRuns(context, options, async (runs) => runs.planOfRun((await findRun(runs, wanted)).run));
}

async function planSpec(context: CommandContext, file: string, options: PlanOptions): Promise<PlanReport | null> {
  const { output, io } = context;
  const source = await readSpecFile(file, io.cwd);
  // The plan names what is accepted.
  const problems = source.problems.filter(({ isAccepted }) => isAccepted !== true);
  const spec = tellSpecProblems({ ...source, problems }, output);
  if (spec === null) return null;
  const request = {
    specText: absoluteSpecText(source.text, source.baseDir),
    file: resolve(io.cwd, file),
    run: runName(options.run ?? spec.name),
  };
  return options.offline === true ? planAlone(request) : planSeen(context, request, options);
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
