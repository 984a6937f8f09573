/**
 * All names that leave the process are made here: workflow ids, activity ids, queues, keeper ids.
 * They are readable and stable, so that operators can type them and a repeated call hits the same thing.
 */

/** Workflow id of a fleet's long-lived entity. */
export function fleetWorkflowId(fleet: string): string {
  return `temper/${fleet}/fleet`;
}

/** Workflow id of a run. One id per run name: a repeated start cannot begin a second one. */
export function runWorkflowId(run: string): string {
  return `temper/run/${run}`;
}

/** Workflow id of the training gang of a run. */
export function gangWorkflowId(run: string): string {
  return `${runWorkflowId(run)}/train`;
}

/** Run name of a run's workflow id, or null for other workflows. */
export function runOfWorkflowId(workflowId: string): string | null {
  return /^temper\/run\/([a-z0-9-]+)$/.exec(workflowId)?.[1] ?? null;
}

/** Queue of workflows and of the activities that touch no host. */
export function controlQueue(fleet: string): string {
  return `temper/${fleet}/control`;
}

/** Fleet of a queue of workflows, or null for other queues. */
export function fleetOfControlQueue(queue: string): string | null {
  return /^temper\/([a-z0-9-]+)\/control$/.exec(queue)?.[1] ?? null;
}

/** The two queues of a host. */
export type HostQueueKind = 'ctl' | 'run';

/** Queue of one host: `ctl` for short calls that always find a free slot, `run` for long work. */
export function hostQueue(fleet: string, host: string, kind: HostQueueKind): string {
  return `temper/${fleet}/${host}/${kind}`;
}

/**
 * Id of the keeper of one command; a new try of a stage is a new keeper. `chain` tells workflows of one name apart:
 * a run that is started again under its name begins at try 1 again, and must not find its predecessor's commands.
 */
export function keeperId(run: string, stage: string, step: string, attempt: number, chain: string): string {
  return `${run}.${stage}.${step}.${attempt}-${chain}`;
}

/** Prefix shared by all keepers of one stage of a run. */
export function keeperPrefix(run: string, stage: string): string {
  return `${run}.${stage}.`;
}

/** Activity id of a stage's try; operators type it in `temporal activity pause`. */
export function stageActivityId(stage: string, attempt: number, host?: string): string {
  return host === undefined ? `${stage}-${attempt}` : `${stage}-${attempt}-${host}`;
}

/** Activity id of one host's training supervisor. */
export function trainActivityId(attempt: number, nodeRank: number): string {
  return `train-a${attempt}-h${String(nodeRank).padStart(2, '0')}`;
}

/** Folder name of an attempt: `0003`. */
export function attemptFolder(attempt: number): string {
  return String(attempt).padStart(4, '0');
}

/** File in an attempt's folder that is there before anything of the attempt runs, and that no rank writes. */
export const ATTEMPT_RECORD = 'attempt.json';

/** Attempt number of a folder name, or null for other names. */
export function attemptOfFolder(name: string): number | null {
  return /^\d{4,}$/.test(name) ? Number(name) : null;
}

/** Id of a retrain schedule. */
export function scheduleId(schedule: string): string {
  return `temper/schedule/${schedule}`;
}

/** Name of a retrain schedule's id, or null for other schedules. */
export function nameOfScheduleId(id: string): string | null {
  return /^temper\/schedule\/([a-z0-9-]+)$/.exec(id)?.[1] ?? null;
}

/** Workflow id of a schedule's retrains; the server adds the time of each. */
export function retrainWorkflowId(schedule: string): string {
  return `temper/retrain/${schedule}`;
}

/** Name of the schedule that a retrain's workflow id belongs to, or null for other workflows. */
export function scheduleOfRetrain(workflowId: string): string | null {
  return /^temper\/retrain\/([a-z0-9-]+?)-\d{4}-\d{2}-\d{2}T[\d:.]+Z$/.exec(workflowId)?.[1] ?? null;
}
