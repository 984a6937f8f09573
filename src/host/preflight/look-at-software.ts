import { errorText } from '../../domain/text/error-text.js';
import { rowResult, type Seen } from '../../domain/preflight/list.js';
import type { EnvironmentReading, HostTools, Recipe } from '../../recipes/recipe.js';
import type { CheckStatus, PreflightCheck } from '../../schemas/preflight.js';
import type { PipelineSpec } from '../../schemas/spec.js';
import { runProbe } from './run-probe.js';

/** More than a look at versions, checkouts and packages takes on a loaded machine; who asks waits for it. */
const LIMIT_MS = 20_000;

const ROW = { fault: 'host', why: 'the stage environment ends with it, when the run has begun' } as const;
/** Differences that a sentence can hold. */
const MOST_DIFFERENCES = 3;

/** What is to be looked at. */
export interface Software {
  readonly host: string;
  readonly spec: PipelineSpec;
  readonly tools: HostTools;
  readonly recipe: Pick<Recipe, 'environment'>;
}

/**
 * The software of this host as the stage environment looks at it: what it would refuse, and what it would install; one
 * check for each. Changes nothing.
 */
export async function lookAtSoftware({ host, spec, tools, recipe }: Software): Promise<readonly PreflightCheck[]> {
  const check = (status: CheckStatus, seen: Omit<Seen, 'where'>): PreflightCheck =>
    rowResult('software', ROW, status, { where: host, ...seen });
  const { argv, env } = recipe.environment.probe(tools, spec);
  const { code, state, stdout, stderr } = await runProbe({ id: 'software', argv, env, timeoutMs: LIMIT_MS });
  if (state !== 'ended' || code !== 0) {
    const what = `the probe of the environment ended with ${code ?? state}: ${stderr.trim() || 'it said nothing'}`;
    return [check('skipped', { what, fix: `run it by itself: ${argv.slice(0, 2).join(' ')}` })];
  }
  try {
    const reading = recipe.environment.read(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''), spec, tools);
    return checksOf(reading).map(([status, seen]) => check(status, seen));
  } catch (error) {
    return [
      check('skipped', { what: `the answer of the probe of the environment cannot be read: ${errorText(error)}` }),
    ];
  }
}

function checksOf({ lock, problems, warnings = [], differences = [] }: EnvironmentReading) {
  const found = Object.entries(lock).map(([name, version]) => `${name} ${version}`);
  const more = differences.length - MOST_DIFFERENCES;
  const told = `${differences.slice(0, MOST_DIFFERENCES).join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
  return [
    ...(found.length === 0 ? [] : [['ok', { what: `found ${found.join(', ')}` }] as const]),
    ...problems.map(({ what, why, fix }) => ['fail', { what, fix, ...(why === undefined ? {} : { why }) }] as const),
    ...warnings.map((what) => ['warn', { what, why: 'it stops nothing', fix: 'compare it with the guide' }] as const),
    ...(differences.length === 0
      ? []
      : [['warn', { what: told, why: 'a run installs it first', fix: 'nothing by hand' }] as const]),
  ];
}
