import type { HostContext } from '../host/context.js';
import { probeHost } from '../host/probe.js';
import { writeRun } from '../host/run/run-folder.js';
import { stopKeepers } from '../host/stop-keepers.js';
import { keeperPrefix } from '../domain/ids.js';
import { HostCallSchema } from '../schemas/host-call.js';
import {
  OpenAttemptCallSchema,
  OpenRunCallSchema,
  SealCallSchema,
  StageCallSchema,
  TrainCallSchema,
} from '../schemas/stage-calls.js';
import { z } from 'zod';
import { callHost } from './call-host.js';
import { findRecipe } from '../recipes/registry.js';
import { claimTraining, releaseClaim } from './claim-training.js';
import { activity } from './edge.js';
import { ensureEnvironment } from './ensure-environment.js';
import { lookUpStage } from './look-up-stage.js';
import { openAttempt } from './open-attempt.js';
import { runStage } from './run-stage.js';
import { sealTraining } from './seal-training.js';
import type { StageHost } from './stage-host.js';
import { trainNode } from './train-node.js';

/** Activities of a host worker. The same ones serve both queues of the host; the queue decides who may wait. */
export function createHostActivities(context: HostContext, recipes: Pick<StageHost, 'findRecipe'> = { findRecipe }) {
  const host: StageHost = { ...context, ...recipes };
  return {
    probeHost: activity(z.undefined(), () => probeHost(host)),
    callHost: activity(HostCallSchema, (call) => callHost(host, call)),
    openRun: activity(OpenRunCallSchema, ({ plan, specText }) => writeRun(plan, specText)),
    ensureEnvironment: activity(StageCallSchema, (call) => ensureEnvironment(host, call)),
    lookUpStage: activity(StageCallSchema, (call) => lookUpStage(host, call)),
    runStage: activity(StageCallSchema, (call) => runStage(host, call)),
    claimTraining: activity(StageCallSchema, (call) => claimTraining(host, call)),
    releaseClaim: activity(StageCallSchema, (call) => releaseClaim(host, call)),
    openAttempt: activity(OpenAttemptCallSchema, (call) => openAttempt(host, call)),
    trainNode: activity(TrainCallSchema, (call) => trainNode(host, call)),
    stopNode: activity(TrainCallSchema, async ({ run, stage, timing }) => {
      await stopKeepers(host.scratch, keeperPrefix(run, stage.name), 'a node of the gang failed', timing.stopGraceMs);
    }),
    sealTraining: activity(SealCallSchema, (call) => sealTraining(host, call)),
  };
}

export type HostActivities = ReturnType<typeof createHostActivities>;
