import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { nullIfMissing } from './system-error.js';
import { errorText } from '../domain/text/error-text.js';
import writeFileAtomic from 'write-file-atomic';
import type { z } from 'zod';
import { TemperError } from '../domain/errors.js';
import { makeFolder } from './make-folder.js';

/** Writes a small JSON file by temp, fsync and rename, with its folder. */
export async function writeJsonFile(path: string, value: unknown): Promise<void> {
  await makeFolder(dirname(path));
  await writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o644 });
}

/**
 * Reads and checks a JSON file of a versioned format. A missing file is null; a newer major version is refused
 * by name; anything else that does not fit is an error too, never half-understood.
 */
export async function readJsonFile<T>(path: string, schema: z.ZodType<T>): Promise<T | null> {
  const text = await readFile(path, 'utf8').catch(nullIfMissing);
  if (text === null) return null;
  const value = parse(text, path);
  const version = typeof value === 'object' && value !== null && 'v' in value ? value.v : undefined;
  if (typeof version === 'number' && version > 1) {
    throw new TemperError('FormatTooNew', {
      where: path,
      what: `the file has format version ${version}, this Temper reads version 1`,
    });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new TemperError('WorkspaceUnusable', {
    where: path,
    what: 'the file does not have the form that Temper writes',
    why: result.error.issues
      .slice(0, 3)
      .map((issue) => `${issue.path.join('.')}: ${issue.message}`)
      .join('; '),
    fix: 'move it away if it was edited or damaged; what it stood for is made again',
  });
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TemperError('WorkspaceUnusable', {
      where: path,
      what: 'the file is not JSON',
      why: errorText(error),
      fix: 'move it away; what it stood for is made again',
    });
  }
}
