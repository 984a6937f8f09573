import { TemperError } from '../domain/errors.js';
import type { HostCall } from '../schemas/host-call.js';
import { ModelDecisionSchema, ModelListSchema, type ModelDecision, type PromotedModel } from '../schemas/models.js';
import { readPlaces } from './checkpoints.js';
import type { TemperClient } from './connect.js';
import { getFleet } from './fleet.js';
import { callAnyHost } from './host-call.js';
import { askPlaces, type OnSilence, type Place } from './places.js';
import { getRunStatus, listRuns } from './run-status.js';
import { listSchedules } from './schedules/report.js';

/** Runs that are asked for their workspace when no schedule and no flag names one. */
const RECENT_RUNS = 20;

/** The models that were promoted in a workspace, or in all that schedules and recent runs use. */
export async function listModels(
  client: TemperClient,
  place: Place | null,
  model: string | null,
  onSilence: OnSilence = () => undefined,
): Promise<PromotedModel[]> {
  const listIn = async (one: Place): Promise<readonly PromotedModel[]> => {
    try {
      const answer = await ask(client, one, { v: 1, op: 'models', workspace: one.workspace, model });
      return ModelListSchema.parse(answer).models;
    } catch (error) {
      // In another workspace, perhaps.
      if (!(error instanceof TemperError) || error.problem.code !== 'ModelNotFound' || place !== null) throw error;
      return [];
    }
  };
  const found = (
    place === null ? await askPlaces(await knownPlaces(client), listIn, onSilence) : [await listIn(place)]
  ).flat();
  if (model !== null && found.length === 0)
    throw new TemperError('ModelNotFound', {
      what: `no model ${model} was promoted in the workspaces of schedules and recent runs`,
    });
  return found;
}

/** Makes a run's model the current one. Without a place it is where the server knows the run. */
export async function promoteRun(
  client: TemperClient,
  place: Place | null,
  { run, model, by, why }: { readonly run: string; readonly model: string; readonly by: string; readonly why: string },
): Promise<ModelDecision> {
  const where = place ?? (await placeOfRun(client, run));
  const { workspace } = where;
  return ModelDecisionSchema.parse(
    await ask(client, where, { v: 1, op: 'promoteModel', workspace, model, run, by, why }),
  );
}

/** Makes an earlier model current again. */
export async function rollBackModel(
  client: TemperClient,
  place: Place | null,
  {
    model,
    to,
    by,
    why,
  }: { readonly model: string; readonly to: number | null; readonly by: string; readonly why: string },
): Promise<ModelDecision> {
  const where = place ?? (await placeOfModel(client, model));
  const { workspace } = where;
  return ModelDecisionSchema.parse(
    await ask(client, where, { v: 1, op: 'rollBackModel', workspace, model, to, by, why }),
  );
}

/** Workspaces that schedules and recent runs use. */
export async function knownPlaces(client: TemperClient): Promise<Place[]> {
  const places = new Map<string, Place>();
  for (const { workspace, fleet } of (await listSchedules(client)).schedules)
    places.set(workspace, { workspace, fleet });
  for (const { workflowId, workflowRunId } of (await listRuns(client)).slice(0, RECENT_RUNS)) {
    const place = await readPlaces(client, workflowId, workflowRunId).catch(() => null);
    if (place !== null) places.set(place.workspace, place);
  }
  return [...places.values()];
}

async function placeOfRun(client: TemperClient, run: string): Promise<Place> {
  const { workflowId, workflowRunId } = await getRunStatus(client, run);
  return readPlaces(client, workflowId, workflowRunId);
}

async function placeOfModel(client: TemperClient, model: string): Promise<Place> {
  const silent: string[] = [];
  const found = await askPlaces(
    await knownPlaces(client),
    async (place) => ((await listModels(client, place, null)).some((one) => one.model === model) ? [place] : []),
    ({ workspace }) => silent.push(workspace),
  );
  const holding = found.flat();
  const [only] = holding;
  if (only !== undefined && holding.length === 1) return only;
  throw new TemperError('ModelNotFound', {
    what: only === undefined ? `no model ${model} was promoted` : `several workspaces have a model ${model}`,
    ...(silent.length === 0 ? {} : { why: `no host answers for ${silent.join(', ')}` }),
    ...(only === undefined ? {} : { fix: `name one: --workspace ${only.workspace}` }),
  });
}

async function ask(client: TemperClient, { fleet }: Place, call: HostCall): Promise<unknown> {
  const { hosts } = await getFleet(client, fleet);
  return callAnyHost(
    client,
    fleet,
    hosts.map(({ name }) => name),
    call,
  );
}
