import { z } from 'zod';
import { isErrorCode, TemperError } from '../domain/errors.js';
import { ProblemSchema } from '../schemas/problem.js';

const FailureSchema = z.object({ details: z.array(z.unknown()).nullish() });

/** The error that a worker answered with; null when none answered. */
export function answeredWith(error: unknown): TemperError | null {
  for (let current = error; current instanceof Error; current = current.cause) {
    const failure = FailureSchema.safeParse(current);
    const parsed = ProblemSchema.safeParse(failure.success ? failure.data.details?.[0] : undefined);
    if (!parsed.success || !isErrorCode(parsed.data.code)) continue;
    const { code, what, where, why, fix, evidence } = parsed.data;
    return new TemperError(
      code,
      {
        what,
        fix,
        ...(where === undefined ? {} : { where }),
        ...(why === undefined ? {} : { why }),
        ...(evidence === undefined ? {} : { evidence }),
      },
      { cause: error },
    );
  }
  return null;
}
