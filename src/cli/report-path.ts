import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { TemperError } from '../domain/errors.js';

/** The report never takes the place of the data set, nor of what is no file. */
export async function reportPath(report: string, file: string): Promise<string> {
  const look = (path: string): Promise<Stats | null> => stat(path).catch(() => null);
  const [there, data] = await Promise.all([look(report), look(file)]);
  const isSame = there !== null && there.ino === data?.ino && there.dev === data.dev;
  if (isSame || there?.isFile() === false) {
    throw new TemperError('UsageInvalid', {
      where: `--report ${report}`,
      what: isSame ? 'the report would overwrite the data set' : 'there is something that is no regular file',
      fix: 'name another file',
    });
  }
  return report;
}
