import { isCancellation, uuid4 } from '@temporalio/workflow';
import { problem } from '../../domain/errors.js';
import { packHosts } from '../../domain/host-list.js';
import { judgeClocks, type ClockReading } from '../../domain/preflight/clocks.js';
import { judgeTwins } from '../../domain/preflight/judge-fleet.js';
import { preflightFailure, type FoundCheck } from '../../domain/preflight/problem.js';
import type { LeasedHost } from '../../schemas/host.js';
import type { CompareCall, HostReport, PreflightDepth } from '../../schemas/preflight.js';
import { inParallel } from '../../domain/in-parallel.js';
import { NodeFailure, onHost, quickCalls, workOn, type Gang } from './gang.js';
import type { Silence } from './silence.js';

/**
 * Makes sure that the hosts of the lease can train, before an attempt is opened. Hosts that this gang has not used are
 * looked at in full, have their software proven, and are compared with each other and with one of the others, which are
 * asked once, for what may have changed since they ran. What only needs cleaning is cleaned. Throws a `NodeFailure` for
 * the rest.
 */
export async function preflight(gang: Gang, silence: Silence): Promise<void> {
  const { book, grant } = gang;
  const fresh = grant.hosts.filter((host) => !book.isChecked(host));
  const known = grant.hosts.filter((host) => book.isChecked(host));
  // A new host is compared with one that is known to fit, as the others do: what must be equal is equal to all then.
  const compared = fresh.length === 0 ? [] : [...known.slice(0, 1), ...fresh];
  const round = compared.length === 0 ? null : uuid4();
  assertApart(gang);
  try {
    const looks = await inParallel(grant.hosts, (host, index) =>
      lookAt(gang, silence, {
        host,
        // A quick look tells nothing that could be compared: devices, versions and zones stay out of it.
        depth: compared.includes(host) ? 'full' : 'quick',
        round: compared.includes(host) ? round : null,
        isFirst: index === 0,
      }),
    );
    assertFit(gang, await cleaned(gang, silence, looks));
    if (round === null) return;
    await checkEnvironments(gang, fresh);
    assertFit(gang, await compare(gang, compared, round, looks));
    book.noteChecked(fresh);
  } catch (error) {
    if (round !== null && error instanceof NodeFailure) await giveUpComparison(gang, compared, round, error);
    throw error;
  }
}

/** Takes away what was left for a comparison that does not come; what a silent host left, a later one removes. */
async function giveUpComparison(
  { input }: Gang,
  compared: readonly LeasedHost[],
  round: string,
  failure: NodeFailure,
): Promise<void> {
  const answering = compared.filter(({ name }) => !failure.isSilence || name !== failure.host);
  await inParallel(answering, async ({ name }) => {
    try {
      await quickCalls(input, name).closePreflight({ ...input.call, round, hosts: [name], isWhole: false });
    } catch (error) {
      if (isCancellation(error)) throw error;
    }
  });
}

interface LookCall {
  readonly host: LeasedHost;
  readonly depth: PreflightDepth;
  readonly round: string | null;
  readonly isFirst: boolean;
}

interface Look extends LookCall {
  readonly report: HostReport;
  readonly clock: ClockReading;
}

/** A host of a new lease that is gone costs seconds here, and the ten minutes of a restarting worker later. */
async function lookAt(gang: Gang, silence: Silence, call: LookCall): Promise<Look> {
  const { input, grant } = gang;
  const { host, depth, round, isFirst } = call;
  for (;;) {
    const askedMs = Date.now();
    try {
      const report = await quickCalls(input, host.name).preflightHost({
        ...input.call,
        depth,
        round,
        isFirst,
        lease: grant.lease,
      });
      const { at, elapsedMs } = report;
      const clock = { host: host.name, hostMs: Date.parse(at), askedMs, elapsedMs, answeredMs: Date.now() };
      return { ...call, report, clock };
    } catch (error) {
      if (isCancellation(error)) throw error;
      const failure = new NodeFailure(host.name, error);
      if (!failure.isSilence || (await silence.settle(host.name)) === 'lost') throw failure;
    }
  }
}

/** The checks of all hosts; those with leftovers only are cleaned and looked at once more. */
async function cleaned(gang: Gang, silence: Silence, looks: readonly Look[]): Promise<FoundCheck[]> {
  const found = looks.flatMap(({ host, report }) => report.checks.map((check) => ({ host: host.name, check })));
  const failed = found.filter(({ check }) => check.status === 'fail');
  // What cleaning does not cure decides; then nothing is touched.
  if (failed.length === 0 || failed.some(({ check }) => check.fault !== 'leftover')) return found;
  const dirty = looks.filter(({ host }) => failed.some((one) => one.host === host.name));
  const again = await inParallel(dirty, async (look) => {
    const { name } = look.host;
    await onHost(name, workOn(gang.input, name, 'sweep').sweepNode(gang.input.call));
    const { report } = await lookAt(gang, silence, { ...look, depth: 'quick', round: null });
    return report.checks.map((check) => ({ host: name, check }));
  });
  const isDirty = (host: string): boolean => dirty.some((look) => look.host.name === host);
  return [...found.filter(({ host, check }) => !isDirty(host) || check.status === 'warn'), ...again.flat()];
}

function assertFit({ grant }: Gang, found: readonly FoundCheck[]): void {
  const failure = preflightFailure(found, grant.hosts.length);
  if (failure === null) return;
  const host = failure.host ?? hostIn(failure.problem.where, grant.hosts) ?? grant.hosts[0]?.name ?? '';
  throw NodeFailure.of(host, failure.problem);
}

/** Of all hosts of the gang, not only of those that are compared: a rank would reach the wrong one of two. */
function assertApart(gang: Gang): void {
  const hosts = gang.grant.hosts.map(({ name, machineId, address }) => ({ host: name, machineId, address }));
  assertFit(
    gang,
    judgeTwins(hosts).map((check) => ({ host: null, check })),
  );
}

/** Whoever takes a host makes sure of its software, and it must be the one that the run was planned with. */
async function checkEnvironments({ input }: Gang, hosts: readonly LeasedHost[]): Promise<void> {
  const answers = await inParallel(hosts, ({ name }) =>
    onHost(name, workOn(input, name, 'environment').ensureEnvironment(input.call)),
  );
  const odd = answers.filter(({ digest }) => digest !== input.environmentDigest);
  const [first] = odd;
  if (first === undefined) return;
  const facts = problem('EnvironmentsDiffer', {
    where: first.host,
    what: `the software of ${odd.map(({ host }) => host).join(', ')} changed since the environment stage`,
  });
  throw NodeFailure.of(first.host, facts);
}

/** What only several hosts together tell: a round of tokens, the facts of all, and their clocks. */
async function compare(
  { input, grant }: Gang,
  compared: readonly LeasedHost[],
  round: string,
  looks: readonly Look[],
): Promise<FoundCheck[]> {
  const [first] = compared;
  if (first === undefined) return [];
  const hosts = compared.map(({ name }) => name);
  const isWhole = looks.filter(({ depth }) => depth === 'full').length === grant.hosts.length;
  const gang = packHosts(grant.hosts.map(({ name }) => name));
  const call: CompareCall = { ...input.call, round, hosts: packHosts(hosts), isWhole, gang };
  const seen =
    hosts.length < 2
      ? []
      : await inParallel(hosts, async (host) => {
          const { checks } = await onHost(host, quickCalls(input, host).comparePreflight(call));
          return checks.map((check) => ({ host, check }));
        });
  const { checks } = await onHost(first.name, quickCalls(input, first.name).closePreflight(call));
  const clocks = hosts.length < 2 ? [] : [judgeClocks(looks.map(({ clock }) => clock))];
  return [...seen.flat(), ...[...checks, ...clocks].map((check) => ({ host: null, check }))];
}

/** The host that a check about several names first. */
function hostIn(where: string | undefined, hosts: readonly LeasedHost[]): string | null {
  return hosts.find(({ name }) => name === where)?.name ?? null;
}
