import { askDevices } from '../../../../src/host/preflight/ask-devices.js';
import { runProbes } from '../../../../src/host/preflight/run-probe.js';
import { preflight } from '../../../../src/recipes/mindspeed-mm/preflight/preflight.js';
import type { HostSight, PreflightFacts, PreflightProbe, RecipeReading } from '../../../../src/recipes/preflight.js';
import type { PreflightCheck } from '../../../../src/schemas/preflight.js';
import { ASCEND_BIN, ascendEnv, type AscendState } from '../../../support/ascend/fake-tools.js';
import { guideSpec } from '../training/support.js';

/** Other test files may use the tools of this machine at the same time. */
const PATIENCE_MS = 120_000;

type Spec = PreflightFacts['spec'];
/** The guide's fleet, and the same number of ranks on Atlas A2. */
export const A3 = guideSpec();
export const A2 = guideSpec({ fleet: { hosts: 16, npusPerHost: 8 } });
/** A look in full starts two programs for each device that is wanted. */
export const FEW = guideSpec({ fleet: { hosts: 2, npusPerHost: 4 } });

/** A host that sees no process, and whose training interface is eth0. */
export const NOBODY: HostSight = { processes: new Map(), interfaces: ['lo', 'eth0'], trainingInterface: 'eth0' };

export interface Look {
  readonly spec?: Spec;
  readonly depth?: PreflightFacts['depth'];
  readonly isLaunch?: boolean;
  readonly sight?: HostSight;
  /** Changes the commands, such as their time. */
  readonly adapt?: (probe: PreflightProbe) => PreflightProbe;
}

/** A busy machine starts a program in seconds. */
const patient = (probe: PreflightProbe): PreflightProbe => ({ ...probe, timeoutMs: PATIENCE_MS });

/** What the recipe finds on a host whose fake tools show this state. */
export async function look(state: AscendState, options: Look = {}): Promise<RecipeReading> {
  const { spec = A2, depth = 'quick', isLaunch = true, sight = NOBODY, adapt = patient } = options;
  const facts: PreflightFacts = {
    spec,
    depth,
    isLaunch,
    host: 'h1',
    tools: { python: '', node: '', temper: '', programs: '', cpus: 1 },
  };
  const env = ascendEnv(state);
  const run = (probes: readonly PreflightProbe[]) =>
    runProbes(
      probes.map((probe) => adapt({ ...probe, folders: [ASCEND_BIN], env })),
      PATIENCE_MS,
    );
  const reading = preflight.judge?.(await askDevices(preflight, facts, run), facts, sight);
  if (reading === undefined) throw new Error('the recipe judges nothing');
  return reading;
}

/** What is not well. */
export const wrong = ({ checks }: RecipeReading) => checks.filter(({ status }) => status !== 'ok');
export const statuses = ({ checks }: RecipeReading) => Object.fromEntries(checks.map(({ id, status }) => [id, status]));

/** A check as one text, for its words. */
export function told(check: PreflightCheck | undefined): string {
  return JSON.stringify(check);
}
