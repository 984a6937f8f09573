import { listCheckpoints } from '../client/checkpoints.js';
import { connect } from '../client/connect.js';
import type { ConnectFlags } from '../client/connect.js';
import { collect } from '../client/retention.js';
import { listModels, promoteRun, rollBackModel } from '../client/models.js';
import { doctorHosts } from '../client/doctor.js';
import { cordonHost, getFleet, uncordonHost } from '../client/fleet.js';
import { explainRun } from '../client/run-evidence.js';
import { planOfRun, planOnHost } from '../client/plans.js';
import { readRunFacts } from '../client/render.js';
import { recoverRun } from '../client/recover.js';
import { cancelRun, getRunStatus, listRuns, pauseRun, resumeRun, startRun } from '../client/runs.js';
import { applySchedule } from '../client/schedules/apply.js';
import { approveRun } from '../client/schedules/approve.js';
import { describeSchedule, listSchedules } from '../client/schedules/report.js';
import {
  backfillSchedule,
  deleteSchedule,
  pauseSchedule,
  triggerSchedule,
  unpauseSchedule,
} from '../client/schedules/steer.js';
import { watchPatiently } from './dev/dev-client.js';
import type { RunService } from './run-service.js';

/** Connects to Temporal and gives what commands ask of it. Imported only when a command needs it. */
export async function openRuns(flags: ConnectFlags): Promise<RunService> {
  const client = await connect(flags);
  return {
    startRun: (request) => startRun(client, request),
    listRuns: () => listRuns(client),
    getRunStatus: (run) => getRunStatus(client, run),
    explainRun: (status) => explainRun(client, status),
    // A watch outlives a restart of the server, as the run does.
    watchRun: (run, signal) => watchPatiently(client, run, signal),
    cancelRun: (run, ender) => cancelRun(client, run, ender),
    pauseRun: (run) => pauseRun(client, run, 'paused by temper pause'),
    resumeRun: (run, request) => resumeRun(client, run, request),
    getFleet: (fleet) => getFleet(client, fleet),
    cordonHost: (fleet, host, reason) => cordonHost(client, fleet, host, reason),
    uncordonHost: (fleet, host) => uncordonHost(client, fleet, host),
    planOnHost: (request) => planOnHost(client, request),
    planOfRun: (run) => planOfRun(client, run),
    listCheckpoints: (run) => listCheckpoints(client, run),
    schedules: {
      apply: (request, isDryRun) => applySchedule(client, request, isDryRun),
      list: () => listSchedules(client),
      describe: (name) => describeSchedule(client, name),
      pause: (name, note) => pauseSchedule(client, name, note),
      unpause: (name, note) => unpauseSchedule(client, name, note),
      trigger: (name) => triggerSchedule(client, name),
      backfill: (name, range) => backfillSchedule(client, name, range),
      delete: (name) => deleteSchedule(client, name),
      approve: (run, answer) => approveRun(client, run, answer),
    },
    models: {
      list: (place, model, onSilence) => listModels(client, place, model, onSilence),
      promote: (place, request) => promoteRun(client, place, request),
      collect: (place, policy, isDryRun, onSilence) => collect(client, place, policy, isDryRun, onSilence),
      rollBack: (place, request) => rollBackModel(client, place, request),
    },
    readRunFacts: (run) => readRunFacts(client, run),
    recoverRun: (request) => recoverRun(client, request),
    doctor: (fleet, hosts, specText) => doctorHosts(client, fleet, hosts, specText),
    close: () => client.close(),
  };
}
