import { TemperError } from '../../domain/errors.js';
import { readCandidate } from '../../host/models/candidate.js';
import { listModels, promote, reportModel } from '../../host/models/promote.js';
import { readRetrainNote } from '../../host/models/retrain-note.js';
import type { HostCall } from '../../schemas/host-call.js';
import type { ModelDecision, PromotedModel } from '../../schemas/models.js';

/** One model, or all of a workspace. */
export async function reportModels(workspace: string, model: string | null): Promise<PromotedModel[]> {
  const names = model === null ? await listModels(workspace) : [model];
  return Promise.all(names.map((name) => reportModel(workspace, name)));
}

/** Makes a run's model current because a person says so: nothing was compared, so nothing can have changed meanwhile. */
export async function promoteByHand(call: Extract<HostCall, { op: 'promoteModel' }>): Promise<ModelDecision> {
  const { workspace, model, run, by, why } = call;
  // What a retrain made of its inputs is told even where its gate refused it: they are not trained again.
  const note = await readRetrainNote(workspace, run, (await readCandidate(workspace, run)).export.key);
  const { fingerprint, startedFrom, metrics } = note ?? { fingerprint: null, startedFrom: null, metrics: null };
  const outcome = await promote({ workspace, model, run, by, why, token: null, fingerprint, startedFrom, metrics });
  const change = outcome.isPromoted ? outcome.changes.findLast(({ to }) => to === outcome.version.version) : undefined;
  if (change !== undefined) return { v: 1, change };
  throw new TemperError('PromotionRefused', { where: model, what: `run ${run} was not promoted` });
}
