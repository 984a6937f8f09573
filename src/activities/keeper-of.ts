import { fingerprint } from '../domain/fingerprint.js';
import { keeperId } from '../domain/ids.js';
import type { StageCall } from '../schemas/stage-calls.js';

/** Id of the keeper of one command of a stage. `number` is the try of the stage, or the attempt of a training. */
export function keeperOf(call: Pick<StageCall, 'run' | 'stage' | 'owner'>, step: string, number: number): string {
  return keeperId(call.run, call.stage.name, step, number, chainOf(call));
}

/** Short name of the workflow chain that a call comes from, for names on a host's disk. */
export function chainOf({ owner }: Pick<StageCall, 'owner'>): string {
  // Ids of runs begin with the time, so their own first digits would not tell them apart.
  return fingerprint(owner.firstRunId).slice(0, 8);
}
