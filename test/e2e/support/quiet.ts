import { Runtime } from '@temporalio/worker';

const silence = (): void => undefined;

/** Replays tell every change of their worker's state; the tests' own output is the place for results only. */
export function quietWorkers(): void {
  Runtime.install({
    logger: { log: silence, trace: silence, debug: silence, info: silence, warn: silence, error: silence },
  });
}
