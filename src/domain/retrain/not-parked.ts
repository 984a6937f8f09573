import type { ProblemFacts } from '../errors.js';

/** Why a run that ends when it is stopped is not paused (`RunNotParked`), and what can be done with it instead. */
export function notParked(run: string, schedule: string | null): ProblemFacts {
  const after = schedule === null ? '' : `; temper schedule pause ${schedule} keeps the next ones from starting`;
  return {
    where: run,
    what: `run ${run}${schedule === null ? '' : ` of schedule ${schedule}`} cannot be paused`,
    why: 'it ends when it is stopped, because nobody would resume it',
    fix: `temper cancel ${run} ends it${after}`,
  };
}
