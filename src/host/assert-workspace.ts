import { stat } from 'node:fs/promises';
import { TemperError } from '../domain/errors.js';
import { nullIfMissing } from './system-error.js';

/** Throws for a workspace that is not there: it must not be told as one in which nothing was ever made. */
export async function assertWorkspace(workspace: string): Promise<void> {
  if ((await stat(workspace).catch(nullIfMissing))?.isDirectory() === true) return;
  throw new TemperError('WorkspaceMissing', {
    where: workspace,
    what: 'the workspace is not there',
    why: 'it is not mounted on the host that looked, or nothing has run in it yet',
  });
}
