import { TemperError } from '../domain/errors.js';

/** A workspace, and the fleet whose hosts see it. */
export interface Place {
  readonly workspace: string;
  readonly fleet: string;
}

/** Told of a place that was left out, because none of its hosts answers, or it is not there. */
export type OnSilence = (place: Place, problem: TemperError['problem']) => void;

/**
 * Asks places one after another. One whose fleet has no host that answers keeps nobody from the others: a schedule may
 * wait for its fleet while the model of another one has to be rolled back. When no host answers for any, the first reason is
 * thrown.
 */
export async function askPlaces<Answer>(
  places: readonly Place[],
  ask: (place: Place) => Promise<Answer>,
  onSilence: OnSilence,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  const silent: TemperError[] = [];
  for (const place of places) {
    try {
      answers.push(await ask(place));
    } catch (error) {
      if (!(error instanceof TemperError) || !SILENCE.includes(error.problem.code)) throw error;
      silent.push(error);
      onSilence(place, error.problem);
    }
  }
  const unasked = silent.find(({ problem }) => problem.code !== MISSING);
  if (unasked !== undefined && answers.length === 0) throw unasked;
  return answers;
}

/** Nothing has run there yet, or it is not mounted; which of the two, a person knows. */
const MISSING = 'WorkspaceMissing';
const SILENCE: readonly string[] = ['NoHosts', 'HostUnreachable', MISSING];
