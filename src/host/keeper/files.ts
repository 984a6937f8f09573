import { readFileSync } from 'node:fs';
import { hasCode } from '../system-error.js';
import { errorText } from '../../domain/text/error-text.js';
import { z } from 'zod';
import { KEEPER_FORMAT, KeeperExitSchema, KeeperRecordSchema, KeeperRequestSchema } from '../../schemas/keeper.js';
import type { KeeperExit, KeeperRecord, KeeperRequest } from '../../schemas/keeper.js';
import { KeeperError } from './errors.js';
import type { KeeperPaths } from './paths.js';

/** Reads `request.json`; null when there is none. */
export function readRequestFile(paths: KeeperPaths): KeeperRequest | null {
  return readFormat(paths.request, KeeperRequestSchema);
}

/** Reads `keeper.json`; null when no keeper of this folder ever got as far as starting its command. */
export function readRecordFile(paths: KeeperPaths): KeeperRecord | null {
  return readFormat(paths.record, KeeperRecordSchema);
}

/** Reads `exit.json`; null while the command runs. */
export function readExitFile(paths: KeeperPaths): KeeperExit | null {
  return readFormat(paths.exit, KeeperExitSchema);
}

function readFormat<T>(path: string, schema: z.ZodType<T>): T | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw unreadable(path, errorText(error), error);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unreadable(path, `It is not JSON: ${errorText(error)}`, error);
  }
  const major = z.object({ v: z.number() }).safeParse(value).data?.v;
  if (major !== undefined && major > KEEPER_FORMAT) {
    throw unreadable(path, `Format ${major} is newer than ${KEEPER_FORMAT}, the newest known here.`);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw unreadable(path, z.prettifyError(parsed.error), parsed.error);
  return parsed.data;
}

function unreadable(path: string, why: string, cause?: unknown): KeeperError {
  return new KeeperError(
    {
      code: 'keeper-file-unreadable',
      what: 'keeper file cannot be read',
      where: path,
      why,
      fix: 'use the version of Temper that wrote it, or move the folder of this keeper away once its processes ended',
      isRetryable: false,
    },
    { cause },
  );
}
