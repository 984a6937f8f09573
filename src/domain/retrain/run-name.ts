/** Name of the pipeline run of a retrain: the schedule and its time in UTC, which no other run of it has. */
export function retrainRun(schedule: string, at: string): string {
  return `${schedule}-${at.slice(0, 19).replaceAll(/[-:]/g, '').toLowerCase()}`;
}
