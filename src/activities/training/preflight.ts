import { log } from '@temporalio/activity';
import { cutToBytes } from '../../domain/text/cut-text.js';
import { unpackHosts } from '../../domain/host-list.js';
import { wantedPorts } from '../../domain/gang/master-ports.js';
import { judgeFleet } from '../../domain/preflight/judge-fleet.js';
import { checked } from '../../domain/preflight/list.js';
import { keptBytes } from '../../host/ledger/kept-bytes.js';
import { recordBandwidth } from '../../host/preflight/bandwidth-file.js';
import { closeComparison, compareTokens, leaveTokens } from '../../host/preflight/compare.js';
import { keepFacts } from '../../host/preflight/facts-file.js';
import { lookAtHost } from '../../host/preflight/look-at-host.js';
import type { Recipe } from '../../recipes/recipe.js';
import type {
  CompareAnswer,
  CompareCall,
  HostFacts,
  HostReport,
  PreflightCall,
  PreflightCheck,
} from '../../schemas/preflight.js';
import type { StageHost } from '../stage-host.js';
import { gatherBasics } from '../stage-inputs.js';
import { readTraining } from './read-training.js';

/** Looks at this host before a launch. What is well stays here; the answer holds what is not. */
export async function preflightHost(host: StageHost, call: PreflightCall): Promise<HostReport> {
  const startedAt = performance.now();
  const { workspace, run, stage, lease, depth, isFirst, round } = call;
  const training = await readTraining(host, call);
  const { diskBytes, ramBytes } = stage.resources;
  // Checkpoints that are there already fill part of what the training needs in all.
  const kept = diskBytes === 0 || 'why' in training ? 0 : await keptBytes(workspace, run);
  const isKnown = !('why' in training);
  const { checks, facts } = await lookAtHost(host, {
    depth,
    isLaunch: true,
    workspace,
    needs: { diskBytes: Math.max(0, diskBytes - kept), ramBytes },
    lease,
    masterPorts: isFirst && isKnown ? wantedPorts(training.spec, training.recipe.training.masterPorts) : null,
    training: isKnown ? training : null,
  });
  const all =
    isKnown || !isWorkspaceWell(checks) ? checks : [...checks, foreignWorkspace(host.name, workspace, training)];
  const left = round !== null && isWorkspaceWell(all) ? await leaveTokens(comparisonOf(host, call, round), facts) : [];
  const report = { v: 1 as const, host: host.name, checks: wrong([...all, ...left]) };
  return { ...report, at: new Date().toISOString(), elapsedMs: Math.round(performance.now() - startedAt) };
}

/** Second step of a comparison: this host sees what the others left. */
export async function comparePreflight(host: StageHost, call: CompareCall): Promise<CompareAnswer> {
  return { v: 1, checks: wrong(await compareTokens(comparisonOf(host, call, call.round), unpackHosts(call.hosts))) };
}

/** Last step: what the facts of all hosts say together; keeps what they measured for the cost of checkpoints. */
export async function closePreflight(host: StageHost, call: CompareCall): Promise<CompareAnswer> {
  const { workspace, run, round, isWhole } = call;
  const hosts = unpackHosts(call.hosts);
  const { recipe } = await gatherBasics(host, call);
  const { checks, facts } = await closeComparison(comparisonOf(host, call, round), hosts);
  if (isWhole && facts.length === hosts.length) await recordBandwidth(workspace, run, facts);
  const own = await compareOwn(recipe, call, facts);
  return { v: 1, checks: wrong(hosts.length < 2 ? checks : [...checks, ...judgeFleet(facts), ...own]) };
}

/** What the recipe finds between the hosts that were asked, and those of the gang that were not. */
async function compareOwn(
  recipe: Recipe,
  { workspace, run, hosts, gang = hosts }: CompareCall,
  facts: readonly HostFacts[],
): Promise<readonly PreflightCheck[]> {
  if (recipe.preflight?.compare === undefined) return [];
  const kept = await keepFacts(workspace, run, facts);
  const others = unpackHosts(gang).flatMap((host) => {
    const one = kept.get(host);
    return one === undefined ? [] : [[host, one] as const];
  });
  return recipe.preflight.compare(new Map(facts.map((one) => [one.host, one.recipe])), new Map(others));
}

/** An empty mount point can be written as well as the real workspace. */
function foreignWorkspace(host: string, workspace: string, { why }: { readonly why: string }): PreflightCheck {
  return checked('workspace', 'fail', {
    where: `${host}: ${workspace}`,
    what: `the folder of the run is not there, though other hosts made it: ${why}`,
    fix: 'mount the shared workspace at this path: findmnt --target PATH',
  });
}

function comparisonOf({ scratch, name }: StageHost, { workspace }: { readonly workspace: string }, round: string) {
  return { workspace, scratch, round, host: name };
}

function isWorkspaceWell(checks: readonly PreflightCheck[]): boolean {
  return !checks.some(({ id, status }) => id === 'workspace' && status === 'fail');
}

/** Most of what travels: a host with more wrong than this is told by the first of it. */
const MOST_CHECKS = 6;
/** So an answer stays below 4 kB. */
const MOST_BYTES = 110;
const MOST_TOLD_BYTES = 300;

/** The checks that failed, and the warnings behind them, short enough for a history; all are logged here in full. */
function wrong(checks: readonly PreflightCheck[]): PreflightCheck[] {
  const told = checks.filter(({ status }) => status === 'fail' || status === 'warn');
  for (const check of told) log.warn('preflight', { check });
  return told
    .toSorted((a, b) => Number(b.status === 'fail') - Number(a.status === 'fail'))
    .slice(0, MOST_CHECKS)
    .map((check, index) => (index === 0 ? fit(check) : shorten(check)));
}

/** The first is told whole; checks of recipes are as long as their tools were talkative. */
function fit({ why, fix, ...check }: PreflightCheck): PreflightCheck {
  return {
    ...shorten(check),
    what: cutToBytes(check.what, MOST_TOLD_BYTES),
    where: cutToBytes(check.where, MOST_TOLD_BYTES),
    ...(why === undefined ? {} : { why: cutToBytes(why, MOST_TOLD_BYTES) }),
    ...(fix === undefined ? {} : { fix: cutToBytes(fix, MOST_TOLD_BYTES) }),
  };
}

function shorten({ id, status, fault, what, where }: PreflightCheck): PreflightCheck {
  return {
    id: cutToBytes(id, MOST_BYTES),
    status,
    fault,
    what: cutToBytes(what, 2 * MOST_BYTES),
    where: cutToBytes(where, MOST_BYTES),
  };
}
