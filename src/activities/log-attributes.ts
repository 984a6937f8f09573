import type { Context } from '@temporalio/activity';
import type { ActivityInterceptors } from '@temporalio/worker';

/**
 * Adds run, stage and attempt to every log line of an activity, taken from its one argument. `attempt` is always the
 * training's: how often Temporal tried the activity is `activityAttempt`.
 */
export function logAttributes(_context: Context): ActivityInterceptors {
  let attributes: Record<string, string | number> = {};
  return {
    inbound: {
      execute(input, next) {
        attributes = attributesOf(input.args[0]);
        return next(input);
      },
    },
    outbound: {
      getLogAttributes: ({ attempt: activityAttempt, ...input }, next) =>
        next({ ...input, activityAttempt, ...attributes }),
    },
  };
}

function attributesOf(argument: unknown): Record<string, string | number> {
  if (typeof argument !== 'object' || argument === null) return {};
  const { run, stage, attempt, incident } = argument as {
    run?: unknown;
    stage?: { name?: unknown };
    attempt?: { attempt?: unknown };
    incident?: { run?: unknown; attempt?: unknown };
  };
  const told = { run: run ?? incident?.run, stage: stage?.name, attempt: attempt?.attempt ?? incident?.attempt };
  return {
    ...(typeof told.run === 'string' ? { run: told.run } : {}),
    ...(typeof told.stage === 'string' ? { stage: told.stage } : {}),
    ...(typeof told.attempt === 'number' ? { attempt: told.attempt } : {}),
  };
}
