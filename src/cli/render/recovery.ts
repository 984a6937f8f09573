import type { RecoveryAnswer } from '../../schemas/recovery.js';
import type { Paint } from '../output.js';
import { table } from './table.js';
import { showAgo } from './units.js';

/** What `temper recover` found in the folder of a run, and what it does or would do about it. */
export function renderRecovery(answer: RecoveryAnswer, paint: Paint, nowMs: number): string {
  const { run, recovered, survey, hosts } = answer;
  const rows = survey.stages.map(({ name, isDone, at }) => [
    name,
    isDone ? paint('green', 'reused') : 'will run',
    at === null ? '-' : showAgo(at, nowMs),
  ]);
  const reached = hosts.filter(({ isReached }) => isReached);
  const silent = hosts.filter(({ isReached }) => !isReached).map(({ host }) => host);
  return [
    `${paint('bold', run)}  recipe ${survey.recipe}, fleet ${survey.fleet}, seen by ${survey.host}`,
    `workspace ${survey.workspace}`,
    '',
    table(['STAGE', '', 'DONE'], rows),
    '',
    ...trainingLines(answer),
    ...reached
      .filter(({ running }) => running.length > 0)
      .map(({ host, running }) => `${host} runs ${running.join(', ')}: ${recovered ? 'stopped' : 'will be stopped'}`),
    ...(silent.length === 0
      ? []
      : [
          `${paint('yellow', 'warning:')} ${silent.join(', ')} did not answer: what trains there ends when it sees the fence of the new attempt`,
        ]),
    ...wishes(answer),
    '',
    recovered
      ? `${run} is recovered; temper watch ${run} follows it`
      : `nothing was done; temper recover ${run} without --dry-run does it`,
  ].join('\n');
}

/** From where the training goes on. */
function trainingLines({ survey: { attempt, checkpoint, iterations, incidents, stages } }: RecoveryAnswer): string[] {
  if (stages.find(({ name }) => name === 'train')?.isDone === true) return ['the training is done'];
  if (attempt === null) return ['the training has not begun'];
  const from =
    checkpoint === null
      ? 'no checkpoint of it is proven: it begins again'
      : `it goes on from iteration ${checkpoint.iteration} of ${iterations}, proven in attempt ${checkpoint.attempt}, or a newer one that can be proven`;
  return [
    `the training was in attempt ${attempt.number} on ${attempt.hosts.join(', ')}; ${from}`,
    ...(incidents === 0 ? [] : [`incidents so far: ${incidents}`]),
  ];
}

function wishes({ survey: { request } }: RecoveryAnswer): string[] {
  if (request === null) return ['its folder does not say whether it was to stop after a stage: all stages will run'];
  return request.until === null ? [] : [`it stops after the stage ${request.until}, as it was started`];
}
