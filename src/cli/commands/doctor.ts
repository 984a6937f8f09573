import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { ConnectFlags } from '../../client/connect.js';
import { readConfig } from '../../config.js';
import { EXIT, TemperError } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { absoluteSpecText } from '../../domain/spec/edit-spec.js';
import { doctorLook } from '../../host/preflight/doctor.js';
import { announcedMachineId } from '../../host/probe.js';
import { hostContext } from '../../host/this-host.js';
import { plannedLaunch } from '../../recipes/planned-launch.js';
import { findRecipe } from '../../recipes/registry.js';
import type { DoctorReport, PreflightCheck } from '../../schemas/preflight.js';
import { withRuns } from '../context.js';
import type { CommandContext } from '../context.js';
import { doctorText } from '../render/doctor.js';
import { readSpecFile, tellSpecProblems } from '../spec-file.js';

/** Options of `temper doctor`. */
export interface DoctorOptions extends ConnectFlags {
  readonly host?: string;
  readonly all?: boolean;
  readonly local?: boolean;
  readonly fleet?: string;
  readonly spec?: string;
  readonly scratch?: string;
  readonly trainAddress?: string;
}

/** `temper doctor`: the preflight list for a person; changes nothing. Exit status 1 when a check failed. */
export async function doctor(context: CommandContext, options: DoctorOptions): Promise<ExitStatus> {
  const { output, io } = context;
  const source = options.spec === undefined ? null : await readSpecFile(options.spec, io.cwd);
  const spec = source === null ? null : tellSpecProblems(source, output);
  if (source !== null && spec === null) return EXIT.usage;
  const specText = source === null ? null : absoluteSpecText(source.text, source.baseDir);
  const fleet = options.fleet ?? spec?.fleet.name ?? 'default';
  if (specText === null)
    output.note('with --spec FILE the devices and the workspace of a pipeline are looked at as well');
  const seen = await examine(context, { ...options, fleet }, specText);
  const report = options.all === true && spec !== null ? withHosts(seen, fleet, spec.fleet.hosts) : seen;
  output.result(report, (paint) => doctorText(report, paint));
  return report.ok ? EXIT.ok : EXIT.failed;
}

type Question = DoctorOptions & { readonly fleet: string };

async function examine(context: CommandContext, options: Question, specText: string | null): Promise<DoctorReport> {
  const { host, all, local, fleet, scratch, trainAddress: _address, spec: _spec, ...flags } = options;
  const isOfFleet = host !== undefined || all === true;
  if (isOfFleet && (local === true || (host !== undefined && all === true))) {
    throw new TemperError('UsageInvalid', { what: '--host, --all and --local exclude each other' });
  }
  if (local === true || scratch !== undefined) return examineHere(context, options, specText);
  try {
    return await withRuns(context, flags, async (runs) => {
      const { hosts } = await runs.getFleet(fleet);
      // The workers of this machine are asked, because their limits and zone are those of ranks, not the shell's.
      const here = isOfFleet ? '' : announcedMachineId();
      const wanted = host !== undefined ? [host] : hosts.filter(({ machineId }) => all === true || machineId === here);
      const names = wanted.map((one) => (typeof one === 'string' ? one : one.name));
      if (names.length > 0) return runs.doctor(fleet, names, specText);
      if (all === true) throw new TemperError('NoHosts', { where: `fleet ${fleet}`, what: 'no host has registered' });
      context.output.note(`fleet ${fleet} has no worker on this machine: looking from here`);
      return examineHere(context, options, specText);
    });
  } catch (error) {
    const isAlone = error instanceof TemperError && error.problem.code === 'Unreachable' && !isOfFleet;
    if (!isAlone) throw error;
    context.output.note(`${error.problem.what}: looking from here`);
    return examineHere(context, options, specText);
  }
}

async function examineHere({ io }: CommandContext, options: Question, specText: string | null): Promise<DoctorReport> {
  const { fleet, scratch, trainAddress } = options;
  const host = hostContext({
    config: readConfig(),
    name: hostname().toLowerCase(),
    options: {
      fleet,
      ...(scratch === undefined ? {} : { scratch: resolve(io.cwd, scratch) }),
      ...(trainAddress === undefined ? {} : { address: trainAddress }),
    },
  });
  const launch = plannedLaunch(specText, findRecipe);
  const { checks: seen } = await doctorLook(host, launch, null);
  const isTraining = trainAddress !== undefined || (launch?.spec.fleet.hosts ?? 1) < 2;
  const checks = isTraining ? seen : seen.map(ofLoopback);
  return { v: 1, ok: checks.every(({ status }) => status !== 'fail'), hosts: [host.name], checks };
}

/** A run of the spec would wait for hosts that nobody looked at. */
function withHosts(report: DoctorReport, fleet: string, wanted: number): DoctorReport {
  const there = report.hosts.length;
  if (there >= wanted) return report;
  const missing: PreflightCheck = {
    id: 'hosts',
    status: 'fail',
    fault: 'config',
    where: `fleet ${fleet}`,
    what: `${there} of the ${wanted} hosts of the spec answered`,
    why: 'a run waits for the others',
    fix: 'start a worker on each: temper worker --role host --name HOST',
  };
  return { ...report, ok: false, checks: [...report.checks, missing] };
}

/** Green lines about loopback say nothing about the network of several hosts. */
function ofLoopback(check: PreflightCheck): PreflightCheck {
  if (check.id !== 'address' || check.status !== 'ok') return check;
  return {
    ...check,
    status: 'warn',
    what: 'no training address was given: address, interface and ports of loopback were looked at',
    why: 'the hosts of the spec do not reach each other there',
    fix: 'give the one of this host, as its worker gets it: --train-address IP',
  };
}
