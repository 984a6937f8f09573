import { TemperError } from '../domain/errors.js';
import { listKeepers } from '../host/keeper/client.js';
import { collectLocalCopies } from '../host/local-copy/local-copies.js';
import { probeHost } from '../host/probe.js';
import { stopKeepers } from '../host/stop-keepers.js';
import type { HostCall, KeptCommandRecord } from '../schemas/host-call.js';
import { promoteByHand, reportModels } from './retrain/models-by-hand.js';
import { assertWorkspace } from '../host/assert-workspace.js';
import { rollBack } from '../host/models/promote.js';
import { doctor } from './doctor.js';
import { listCheckpoints } from './training/list-checkpoints.js';
import { runningRuns } from './look-at-commands.js';
import { planReport } from './plan-report.js';
import { renderFacts } from './render-facts.js';
import type { StageHost } from './stage-host.js';
import { surveyRun } from './survey-run.js';

/** Answers one call from the CLI: the only door to the host and the workspace. */
export async function callHost(host: StageHost, call: HostCall): Promise<unknown> {
  switch (call.op) {
    case 'probe':
      return probeHost(host);
    case 'stopKeepers':
      return { v: 1, stopped: await stopKeepers(host.scratch, call.prefix, call.reason, call.graceMs) };
    case 'planReport':
      return planReport(host, call.specText, call.plan);
    case 'keepers':
      return { v: 1, host: host.name, commands: await keptCommands(host, call.run) };
    case 'runningRuns':
      return runningRuns(host);
    case 'checkpoints':
      return listCheckpoints(host, call.workspace, call.run);
    case 'models':
      await assertWorkspace(call.workspace);
      return { v: 1, models: await reportModels(call.workspace, call.model) };
    case 'promoteModel':
      await assertWorkspace(call.workspace);
      return promoteByHand(call);
    case 'rollBackModel':
      await assertWorkspace(call.workspace);
      return { v: 1, change: await rollBack(call.workspace, call.model, call) };
    case 'render':
      return renderFacts(host, call.workspace, call.run);
    case 'surveyRun':
      return surveyRun(host, call.workspace, call.run);
    case 'doctor':
      return doctor(host, call.call);
    case 'collectCopies':
      return { v: 1, items: await collectLocalCopies(host.scratch, call) };
    default:
      throw new TemperError('UsageInvalid', {
        where: host.name,
        what: `the worker of ${host.name} does not know this call`,
      });
  }
}

async function keptCommands(host: StageHost, run: string): Promise<KeptCommandRecord[]> {
  const records: KeptCommandRecord[] = [];
  for (const keeper of listKeepers(host.scratch)) {
    if (!keeper.id.startsWith(`${run}.`)) continue;
    const status = await keeper.status();
    const exit = status.state === 'exited' ? status.exit : null;
    const startedAt =
      exit?.startedAt ?? ('record' in status && status.record !== null ? status.record.startedAt : null);
    records.push({
      id: keeper.id,
      state: status.state,
      startedAt,
      endedAt: exit?.endedAt ?? null,
      code: exit?.code ?? null,
      stop: exit?.stop?.reason ?? null,
    });
  }
  return records;
}
