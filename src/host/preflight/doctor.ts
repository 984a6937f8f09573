import { wantedPorts } from '../../domain/gang/master-ports.js';
import type { PreflightRecipe } from '../../recipes/preflight.js';
import type { Recipe } from '../../recipes/recipe.js';
import type { Resources } from '../../schemas/plan.js';
import type { DoctorLook } from '../../schemas/preflight.js';
import type { PipelineSpec } from '../../schemas/spec.js';
import type { HostContext } from '../context.js';
import { leaveTokens } from './compare.js';
import { hostTools } from '../host-tools.js';
import { lookAtHost } from './look-at-host.js';
import { lookAtSoftware } from './look-at-software.js';

/** The training that a person asks about: from a spec file. */
export interface PlannedLaunch {
  readonly spec: PipelineSpec;
  readonly recipe: {
    readonly id: string;
    readonly programsFolder: string;
    readonly environment: Recipe['environment'];
    readonly training: { masterPorts(spec: PipelineSpec): readonly number[] };
    readonly preflight?: PreflightRecipe;
  };
  readonly needs: Resources;
}

/** The whole preflight list on this host for a person, whatever runs here; leaves tokens when hosts are compared. */
export async function doctorLook(
  host: HostContext,
  launch: PlannedLaunch | null,
  round: string | null,
): Promise<DoctorLook> {
  const startedAt = performance.now();
  const training = launch === null ? null : { ...launch, tools: hostTools(host, launch.recipe, launch.spec) };
  const looking = lookAtHost(host, {
    depth: 'full',
    isLaunch: false,
    workspace: launch?.spec.workspace ?? null,
    needs: launch?.needs ?? { diskBytes: 0, ramBytes: 0 },
    lease: null,
    // Any host may become node 0.
    masterPorts: launch === null ? [] : wantedPorts(launch.spec, launch.recipe.training.masterPorts),
    training,
  });
  const [{ checks, facts }, software] = await Promise.all([
    looking,
    training === null ? [] : lookAtSoftware({ ...training, host: host.name }),
  ]);
  const isUsable = checks.some(({ id, status }) => id === 'workspace' && status === 'ok');
  const comparison =
    round === null || launch === null || !isUsable
      ? null
      : { workspace: launch.spec.workspace, scratch: host.scratch, round, host: host.name };
  const left = comparison === null ? [] : await leaveTokens(comparison, facts);
  const canCompare = isUsable && left.length === 0;
  const answer = {
    v: 1 as const,
    host: host.name,
    checks: [...checks, ...software, ...left],
    facts,
    canCompare,
  };
  return { ...answer, at: new Date().toISOString(), elapsedMs: Math.round(performance.now() - startedAt) };
}
