import { TemperError } from '../../domain/errors.js';
import { listCheckpoints as lookAtCheckpoints } from '../../host/ledger/list.js';
import { reportResume } from '../../host/ledger/resumes.js';
import { readLedger } from '../../host/ledger/store.js';
import { allAttempts } from '../../host/run/attempts.js';
import { needPlan, readRunSpec, runDir } from '../../host/run/run-folder.js';
import type { CheckpointList } from '../../schemas/host-call.js';
import type { StageHost } from '../stage-host.js';

/** Attempts whose resume is told; older ones are in their folders. */
const MOST_RESUMES = 20;

/** The checkpoints of a run, each looked at now, and what its attempts restored. Reads only. */
export async function listCheckpoints(host: StageHost, workspace: string, run: string): Promise<CheckpointList> {
  const root = runDir(workspace, run);
  const plan = await needPlan(workspace, run);
  const recipe = host.findRecipe(plan.recipe.id);
  if (recipe === null)
    throw new TemperError('RecipeUnknown', {
      where: host.name,
      what: `this host's Temper has no recipe ${plan.recipe.id}`,
    });
  const ledger = await readLedger(root);
  const attempts = await allAttempts(workspace, run);
  // The spec is the newest one: it says nothing about attempts that trained something else.
  const key = attempts.at(-1)?.key;
  const recent = attempts.filter((attempt) => attempt.key === key).slice(-MOST_RESUMES);
  const spec = await readRunSpec(workspace, run, plan.specDigest);
  const resumes = await Promise.all(
    recent.map((attempt) => reportResume(workspace, attempt, { recipe, spec, ledger })),
  );
  return {
    v: 1,
    run,
    workspace,
    host: host.name,
    checkpoints: await lookAtCheckpoints({ workspace, run }, attempts, ledger, recipe.checkpoint),
    resumes: resumes.filter((resume) => resume !== null),
  };
}
