import { randomUUID } from 'node:crypto';
import { TemperError } from '../domain/errors.js';
import { inParallel } from '../domain/in-parallel.js';
import { judgeClocks } from '../domain/preflight/clocks.js';
import { judgeFleet } from '../domain/preflight/judge-fleet.js';
import { plannedLaunch } from '../recipes/planned-launch.js';
import { findRecipe } from '../recipes/registry.js';
import {
  CompareAnswerSchema,
  DoctorLookSchema,
  type DoctorCall,
  type DoctorLook,
  type DoctorReport,
  type PreflightCheck,
} from '../schemas/preflight.js';
import type { TemperClient } from './connect.js';
import { hostCall } from './host-call.js';

/** A host that was asked, with the asker's clock before and after. */
interface Asked {
  readonly look: DoctorLook;
  readonly askedMs: number;
  readonly answeredMs: number;
}

/**
 * The preflight list on some hosts of a fleet, and what only they together tell. A host that does not answer is a
 * failed check of its own. Nothing that is written stays.
 */
export async function doctorHosts(
  client: TemperClient,
  fleet: string,
  hosts: readonly string[],
  specText: string | null,
): Promise<DoctorReport> {
  const round = hosts.length > 1 && specText !== null ? randomUUID() : null;
  const looks = await inParallel(hosts, (host) => look(client, fleet, host, { step: 'look', specText, round }));
  const asked = looks.flatMap((one) => ('look' in one ? [one] : []));
  const silent = looks.flatMap((one) => ('look' in one ? [] : [one]));
  const together = asked.length < 2 ? [] : [...compareFacts(asked, specText)];
  const compared = round === null ? [] : await compare(client, fleet, asked, { specText, round });
  const checks = [...silent, ...asked.flatMap((one) => one.look.checks), ...compared, ...together];
  return {
    v: 1,
    ok: checks.every(({ status }) => status !== 'fail'),
    hosts: asked.map((one) => one.look.host),
    checks,
  };
}

async function look(
  client: TemperClient,
  fleet: string,
  host: string,
  call: DoctorCall,
): Promise<Asked | PreflightCheck> {
  const askedMs = Date.now();
  try {
    const answer = await hostCall(client, fleet, host, { v: 1, op: 'doctor', call });
    return { look: DoctorLookSchema.parse(answer), askedMs, answeredMs: Date.now() };
  } catch (error) {
    if (!(error instanceof TemperError)) throw error;
    const { what, why, fix } = error.problem;
    return {
      id: 'host',
      status: 'fail',
      fault: 'host',
      where: host,
      what,
      ...(why === undefined ? {} : { why }),
      fix,
    };
  }
}

function compareFacts(asked: readonly Asked[], specText: string | null): readonly PreflightCheck[] {
  const facts = asked.map(({ look: { facts } }) => facts);
  const recipe = plannedLaunch(specText, findRecipe)?.recipe.preflight;
  const clocks = asked.map(({ look: { host, at, elapsedMs }, askedMs, answeredMs }) => ({
    host,
    hostMs: Date.parse(at),
    askedMs,
    elapsedMs,
    answeredMs,
  }));
  return [
    ...judgeFleet(facts),
    judgeClocks(clocks),
    ...(recipe?.compare?.(new Map(facts.map((one) => [one.host, one.recipe])), new Map()) ?? []),
  ];
}

/** The round of tokens among the hosts that could leave theirs. */
async function compare(
  client: TemperClient,
  fleet: string,
  asked: readonly Asked[],
  { specText, round }: { readonly specText: string | null; readonly round: string },
): Promise<readonly PreflightCheck[]> {
  const hosts = asked.filter(({ look: { canCompare } }) => canCompare).map(({ look: { host } }) => host);
  const [first] = hosts;
  if (first === undefined) return [];
  const ask = async (host: string, step: 'compare' | 'close'): Promise<readonly PreflightCheck[]> => {
    const call: DoctorCall = { step, specText, round, hosts: [...hosts] };
    return CompareAnswerSchema.parse(await hostCall(client, fleet, host, { v: 1, op: 'doctor', call })).checks;
  };
  try {
    return (await inParallel(hosts, (host) => ask(host, 'compare'))).flat();
  } finally {
    await ask(first, 'close');
  }
}
