import { TemperError } from '../domain/errors.js';
import { suggest } from '../domain/spec/suggest.js';
import { NameSchema } from '../schemas/units.js';
import type { RunStatus } from '../schemas/run.js';
import type { RunService } from './run-service.js';

/** Finds the run that is meant by its name, a unique beginning of it, or `@last`. */
export async function findRun(runs: RunService, wanted: string): Promise<RunStatus> {
  if (wanted === '@last') return newest(await runs.listRuns());
  // A beginning of a name may end in a dash, which a name may not.
  if (!/^[a-z0-9][a-z0-9-]{0,39}$/.test(wanted))
    throw notFound(wanted, 'run names have lower-case letters, digits and dashes');
  const exact = NameSchema.safeParse(wanted).success ? await exactly(runs, wanted) : null;
  return exact ?? byPrefix(await runs.listRuns(), wanted);
}

/** A run that has just been started may not be listed yet, so the exact name is asked for first. */
async function exactly(runs: RunService, name: string): Promise<RunStatus | null> {
  try {
    return await runs.getRunStatus(name);
  } catch (error) {
    if (error instanceof TemperError && error.problem.code === 'RunNotFound') return null;
    throw error;
  }
}

function byPrefix(all: readonly RunStatus[], prefix: string): RunStatus {
  const matching = all.filter(({ run }) => run.startsWith(prefix));
  const [only] = matching;
  if (only !== undefined && matching.length === 1) return only;
  if (matching.length > 1)
    throw notFound(prefix, `it is the beginning of ${matching.map(({ run }) => run).join(', ')}`);
  const names = all.map(({ run }) => run);
  const near = suggest(prefix, names);
  throw notFound(
    prefix,
    names.length === 0
      ? 'there are no runs'
      : near === null
        ? 'no run has this name or beginning'
        : `did you mean ${near}?`,
  );
}

function newest(all: readonly RunStatus[]): RunStatus {
  const last = all.reduce<RunStatus | null>(
    (best, run) => (best === null || Date.parse(run.startedAt) > Date.parse(best.startedAt) ? run : best),
    null,
  );
  if (last === null)
    throw new TemperError('RunNotFound', { what: 'there are no runs', fix: 'temper start FILE starts one' });
  return last;
}

function notFound(wanted: string, why: string): TemperError {
  return new TemperError('RunNotFound', { what: `there is no single run ${JSON.stringify(wanted)}`, why });
}
