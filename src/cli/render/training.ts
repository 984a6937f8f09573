import type { ResumeNote } from '../../schemas/checkpoint.js';
import type { IncidentEvidence, IncidentNote } from '../../schemas/incident.js';
import type { Problem } from '../../schemas/problem.js';
import type { RunStatus } from '../../schemas/run.js';
import type { Paint } from '../output.js';
import { oneLine } from './plain.js';
import { showAgo, showDuration } from './units.js';

/** How the gang of a run does: what it resumed, what went wrong last, and what that cost. */
export function trainingLines(
  { problem, incidents = 0, incident, incidentEvidence, ettr, resume, slow = [] }: RunStatus,
  paint: Paint,
  nowMs: number,
): string[] {
  const lines = [
    ...(resume === undefined ? [] : resumeLines(resume, paint)),
    ...slow.map(({ sentence }) => `${paint('yellow', 'slow:')} ${oneLine(sentence)}`),
    ...(incidents === 0 ? [] : [`incidents of the training: ${incidents}${showGoodput(ettr)}`]),
    ...(incident === undefined ? [] : incidentLines(incident, nowMs)),
    ...(incidentEvidence === undefined ? [] : evidenceLines(incidentEvidence, problem)),
  ];
  return lines.length === 0 ? [] : ['', ...lines];
}

function showGoodput(ettr: number | null | undefined): string {
  return ettr === undefined || ettr === null ? '' : `, goodput ${Math.round(ettr * 100)} %`;
}

function incidentLines(incident: IncidentNote, nowMs: number): string[] {
  const { at, sentence, cause, reaction } = incident;
  const times = [
    ['found after', incident.detectMs],
    ['stopped in', incident.stopMs],
    ['relaunched in', incident.relaunchMs],
    ['first iteration after', incident.firstIterationMs],
  ] as const;
  const told = [
    ...times.flatMap(([what, ms]) => (ms === null || ms === undefined ? [] : [`${what} ${showDuration(ms)}`])),
    ...restart(incident),
  ];
  return [
    `last ${showAgo(at, nowMs)}: ${oneLine(sentence)} (${cause}) -> ${reaction}`,
    ...(told.length === 0 ? [] : [`  ${told.join(', ')}`]),
  ];
}

/** From where it went on and what that cost; empty until that is known. */
function restart({ resumedFrom, stepsLost }: IncidentNote): string[] {
  if (resumedFrom === null || resumedFrom === undefined) return [];
  return [
    resumedFrom === 0 ? 'from the converted weights' : `from iteration ${resumedFrom}`,
    ...(stepsLost === null || stepsLost === undefined
      ? []
      : [`${stepsLost} iteration${stepsLost === 1 ? '' : 's'} lost`]),
  ];
}

/** What went wrong in a training, and from where it went on, when somebody watches. */
export function incidentNews(before: RunStatus | null, { incident }: RunStatus): string[] {
  if (before === null || incident === undefined) return [];
  const old = before.incident?.at === incident.at ? before.incident : undefined;
  const { sentence, cause, reaction } = incident;
  const again = restart(incident);
  return [
    ...(old === undefined ? [`train failed: ${oneLine(sentence)} (${cause}) -> ${reaction}`] : []),
    ...(again.length === 0 || (old !== undefined && restart(old).length > 0)
      ? []
      : [`train goes on ${again.join(', ')}`]),
  ];
}

/** The lines are left to the problem that holds them too, so that each is told once. */
function evidenceLines({ host, rank, lines: all, file }: IncidentEvidence, problem: Problem | null): string[] {
  const lines = problem?.evidence === undefined ? all : [];
  const place = [rank === null ? [] : [`rank ${rank}`], host === null ? [] : [host]].flat().join(' on ');
  return [
    ...(lines.length === 0 ? [] : [`  evidence${place === '' ? '' : ` of ${place}`}:`]),
    ...lines.map((line) => `  | ${oneLine(line)}`),
    `  record: ${file}`,
  ];
}

const STATES = ['restored', 'reset', 'unverified'] as const;

function resumeLines({ attempt, from, fidelity, components, broken, warning }: ResumeNote, paint: Paint): string[] {
  const told = STATES.flatMap((state) => {
    const names = Object.entries(components).flatMap(([name, value]) => (value === state ? [name] : []));
    return names.length === 0 ? [] : [`${state} ${names.join(', ')}`];
  });
  return [
    `attempt ${attempt} resumed iteration ${from} (${fidelity}): ${told.join('; ')}`,
    ...(broken.length === 0 ? [] : [paint('red', `  began anew, which the spec does not allow: ${broken.join(', ')}`)]),
    ...(warning === undefined ? [] : [`  ${paint('yellow', 'warning:')} ${oneLine(warning)}`]),
  ];
}
