import type { Problem } from '../../schemas/problem.js';

/** `temper resume RUN` with its flags and what it is said to do; runs are named by then, or not yet. */
const RESUME = /temper resume [\w-]+((?: --(?:set|from) \S+)*)(?: continues| starts the command again)?/g;

/**
 * The problem of a run that ended instead of waiting for a person: nothing can resume it, so its fix names the way on,
 * which is the next retrain of its schedule, or another start.
 */
export function withoutResume(facts: Problem, schedule: string | null): Problem {
  const again =
    schedule === null
      ? 'temper start FILE'
      : `temper schedule unpause ${schedule} and temper schedule trigger ${schedule}`;
  const fix = facts.fix.replaceAll(RESUME, (_text, flags: string) =>
    flags.includes('--set') && schedule !== null ? `temper schedule apply FILE, then ${again}` : again,
  );
  return { ...facts, fix };
}
