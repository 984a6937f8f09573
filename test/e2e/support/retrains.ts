import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { readRetrain } from '../../../src/domain/retrain/read-retrain.js';
import { getRunStatus } from '../../../src/client/run-status.js';
import { applySchedule } from '../../../src/client/schedules/apply.js';
import { describeSchedule } from '../../../src/client/schedules/report.js';
import { triggerSchedule } from '../../../src/client/schedules/steer.js';
import type { ScheduleApplied, ScheduleReport, ScheduleRun } from '../../../src/schemas/schedule.js';
import type { Dev } from './dev.js';
import { waitFor } from './dev.js';

/** What tests change in the spec of a retrain. */
export interface RetrainSpec {
  readonly workspace: string;
  readonly annotations?: string;
  readonly iterations?: number;
  readonly env?: Readonly<Record<string, string | number>>;
}

/** Spec of the simulated trainer that reads a file of rows and keeps synthetic rows aside to measure on. */
export function retrainSpec({ workspace, annotations = '/none.json', iterations = 30, env = {} }: RetrainSpec): string {
  return `apiVersion: temper/v1
name: retrained
recipe: simulated
workspace: ${workspace}
fleet: { hosts: 2, npusPerHost: 1 }
weights: { source: 'seed:1' }
data:
  - { name: held, format: synthetic, rows: 16, heldOutRows: 50, seed: 7 }
  - { name: daily, format: mllm, annotations: '${annotations}' }
train:
  iterations: ${iterations}
  microBatchSize: 4
  learningRate: 2.0e-3
  freeze: { visionEncoder: false, visionProjector: false, textDecoder: false }
  checkpoint: { every: 30, keep: 1, fidelity: full }
  env: ${JSON.stringify({ SIM_STEP_MS: 1, ...env })}
recovery: { maxRestartsWithoutProgress: 0 }
`;
}

/** Writes ready rows whose texts, and so what is learned from them, depend on `seed`. */
export async function writeRows(file: string, seed: string, rows = 48): Promise<void> {
  await mkdir(join(file, '..'), { recursive: true });
  const all = Array.from({ length: rows }, (_, index) => ({
    messages: [
      { role: 'user', content: `question ${seed} ${index}` },
      { role: 'assistant', content: `answer ${index}` },
    ],
    images: [],
  }));
  await writeFile(file, JSON.stringify(all));
}

/** Applies a schedule from the texts of its file and its spec, as the command does. */
export async function apply(dev: Dev, text: string, specText: string, isDryRun = false): Promise<ScheduleApplied> {
  const file = readRetrain(text, 'schedule.yaml');
  if (file.retrain === null) throw new Error(JSON.stringify(file.problems));
  return applySchedule(dev.client, { file, specText, specFile: '/spec.yaml' }, isDryRun);
}

/** Waits until a schedule shows what is looked for; fails with what it shows instead. */
export async function waitForSchedule<T>(
  dev: Dev,
  name: string,
  look: (report: ScheduleReport) => T | null,
  limitMs = 120_000,
): Promise<T> {
  let shown = '';
  const answer = await waitFor(
    `schedule ${name}`,
    async () => {
      const report = await describeSchedule(dev.client, name).catch(() => null);
      if (report === null) return null;
      shown = JSON.stringify(report, null, 1);
      return look(report);
    },
    () => shown,
    limitMs,
  );
  return answer;
}

/** The run that was started after `seen` ones, once it has ended. */
export function endedRun({ runs, taken }: ScheduleReport, seen: number): ScheduleRun | null {
  const run = runs[taken - seen - 1];
  return run === undefined || run.state === 'running' || run.state === 'approval' ? null : run;
}

/** Times between start and end of all retrains of a schedule, in the order of their starts. */
export async function spansOf(dev: Dev, name: string): Promise<{ from: number; to: number }[]> {
  const spans: { from: number; to: number }[] = [];
  const query = `WorkflowType = 'scheduledRetrain' AND TemporalScheduledById = 'temper/schedule/${name}'`;
  for await (const { startTime, closeTime } of dev.client.temporal.workflow.list({ query })) {
    spans.push({ from: startTime.getTime(), to: closeTime?.getTime() ?? Date.now() });
  }
  return spans.sort((a, b) => a.from - b.from);
}

/** One retrain for each way in which they ended. */
export async function oneOfEach(dev: Dev, name: string): Promise<Map<string, string>> {
  const { runs } = await describeSchedule(dev.client, name);
  return new Map(runs.map(({ state, workflowId }) => [state, workflowId] as const));
}

/** Whether a run has begun to train, so that it holds its hosts. */
export async function isTraining(dev: Dev, run: string): Promise<boolean> {
  const { progress } = await getRunStatus(dev.client, run).catch(() => ({ progress: [] }));
  return progress.some(({ iteration }) => iteration !== undefined);
}

/** Starts a run of a schedule by hand and waits for its end. */
export async function triggered(dev: Dev, name: string): Promise<ScheduleRun> {
  const { taken } = await describeSchedule(dev.client, name);
  expect((await triggerSchedule(dev.client, name)).did).toBe('triggered');
  return waitForSchedule(dev, name, (report) => endedRun(report, taken));
}
