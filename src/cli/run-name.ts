import { TemperError } from '../domain/errors.js';
import { NameSchema } from '../schemas/units.js';

/** The name when it can name a run; rejects `--run` otherwise. */
export function runName(name: string): string {
  const checked = NameSchema.safeParse(name);
  if (checked.success) return name;
  throw new TemperError('UsageInvalid', {
    where: '--run',
    what: `${JSON.stringify(name)} is no run name`,
    why: checked.error.issues[0]?.message ?? 'it does not fit',
    fix: 'give a name such as tiny-2',
  });
}
