import type { HostContext } from '../host/context.js';
import { probeHost } from '../host/probe.js';
import { HostCallSchema } from '../schemas/host-call.js';
import { CompareCallSchema, PreflightCallSchema } from '../schemas/preflight.js';
import {
  OpenAttemptCallSchema,
  OpenRunCallSchema,
  RecordIncidentCallSchema,
  SealCallSchema,
  StageCallSchema,
  StopNodeCallSchema,
  TrainCallSchema,
} from '../schemas/stage-calls.js';
import { EvaluateCallSchema, PromoteCallSchema, ResolveCallSchema } from '../schemas/retrain.js';
import { CollectCallSchema } from '../schemas/retention.js';
import { z } from 'zod';
import { callHost } from './call-host.js';
import { openRun } from './check-sources.js';
import { findRecipe } from '../recipes/registry.js';
import { claimTraining, releaseClaim } from './training/claim-training.js';
import { collectGarbage } from './collect-garbage.js';
import { collectEvidence } from './training/collect-evidence.js';
import { activity } from './edge.js';
import { ensureEnvironment } from './ensure-environment.js';
import { findNewestCheckpoint } from './training/find-newest-checkpoint.js';
import { lookAtNode } from './training/look-at-node.js';
import { lookUpStage } from './look-up-stage.js';
import { openAttempt } from './training/open-attempt.js';
import { closePreflight, comparePreflight, preflightHost } from './training/preflight.js';
import { recordIncident } from './training/record-incident.js';
import { evaluateModels } from './retrain/evaluate-models.js';
import { promoteModel } from './retrain/promote-model.js';
import { resolveRetrain } from './retrain/resolve-retrain.js';
import { runStage } from './run-stage.js';
import { sealTraining } from './training/seal-training.js';
import type { StageHost } from './stage-host.js';
import { stopNode, sweepNode } from './training/stop-node.js';
import { trainNode } from './training/train-node.js';

/** Activities of a host worker. The same ones serve both queues of the host; the queue decides who may wait. */
export function createHostActivities(context: HostContext, recipes: Pick<StageHost, 'findRecipe'> = { findRecipe }) {
  const host: StageHost = { ...context, ...recipes };
  return {
    probeHost: activity(z.undefined(), () => probeHost(host)),
    callHost: activity(HostCallSchema, (call) => callHost(host, call)),
    openRun: activity(OpenRunCallSchema, (call) => openRun(host, call)),
    ensureEnvironment: activity(StageCallSchema, (call) => ensureEnvironment(host, call)),
    lookUpStage: activity(StageCallSchema, (call) => lookUpStage(host, call)),
    runStage: activity(StageCallSchema, (call) => runStage(host, call)),
    claimTraining: activity(StageCallSchema, (call) => claimTraining(host, call)),
    releaseClaim: activity(StageCallSchema, (call) => releaseClaim(host, call)),
    preflightHost: activity(PreflightCallSchema, (call) => preflightHost(host, call)),
    comparePreflight: activity(CompareCallSchema, (call) => comparePreflight(host, call)),
    closePreflight: activity(CompareCallSchema, (call) => closePreflight(host, call)),
    openAttempt: activity(OpenAttemptCallSchema, (call) => openAttempt(host, call)),
    trainNode: activity(TrainCallSchema, (call) => trainNode(host, call)),
    stopNode: activity(StopNodeCallSchema, (call) => stopNode(host, call)),
    sweepNode: activity(StageCallSchema, (call) => sweepNode(host, call)),
    lookAtNode: activity(TrainCallSchema, (call) => lookAtNode(host, call)),
    collectEvidence: activity(TrainCallSchema, (call) => collectEvidence(host, call)),
    findNewestCheckpoint: activity(StageCallSchema, (call) => findNewestCheckpoint(host, call)),
    recordIncident: activity(RecordIncidentCallSchema, (call) => recordIncident(call)),
    resolveRetrain: activity(ResolveCallSchema, (call) => resolveRetrain(call)),
    evaluateModels: activity(EvaluateCallSchema, (call) => evaluateModels(host, call)),
    promoteModel: activity(PromoteCallSchema, (call) => promoteModel(call)),
    collectGarbage: activity(CollectCallSchema, (call) => collectGarbage(host, call)),
    sealTraining: activity(SealCallSchema, (call) => sealTraining(host, call)),
  };
}

/** What workflows may ask of a host worker. */
export type HostActivities = ReturnType<typeof createHostActivities>;
