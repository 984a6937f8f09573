import type { Context } from '@temporalio/activity';
import type { ActivityInterceptors } from '@temporalio/worker';

/** Adds run, stage and attempt to every log line of an activity, taken from its one argument. */
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
      getLogAttributes: (input, next) => next({ ...input, ...attributes }),
    },
  };
}

function attributesOf(argument: unknown): Record<string, string | number> {
  if (typeof argument !== 'object' || argument === null) return {};
  const { run, stage, attempt } = argument as {
    run?: unknown;
    stage?: { name?: unknown };
    attempt?: { attempt?: unknown };
  };
  return {
    ...(typeof run === 'string' ? { run } : {}),
    ...(typeof stage?.name === 'string' ? { stage: stage.name } : {}),
    ...(typeof attempt?.attempt === 'number' ? { attempt: attempt.attempt } : {}),
  };
}
