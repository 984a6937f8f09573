import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../system-error.js';
import { errorText } from '../../domain/text/error-text.js';
import { TemperError } from '../../domain/errors.js';

/** A pattern that meets more is a mistake, such as one of a whole disk, and the newest of a part may be old ones. */
const MOST_FILES = 10_000;

/**
 * Files that match an absolute pattern, sorted: `*`, `?` and `[a-z]` stand for characters of a name, `**` for any
 * folders, and at the end for all files below. Names that begin with a dot are met only by a pattern that begins with
 * one.
 */
export async function findFiles(pattern: string, most = MOST_FILES): Promise<string[]> {
  const parts = pattern.split('/').filter((part) => part !== '' && part !== '.');
  const found = new Set<string>();
  await walk('/', parts.at(-1) === '**' ? [...parts, '*'] : parts, found, most);
  if (found.size > most) {
    throw new TemperError('SpecInvalid', {
      where: pattern,
      what: `more than ${most} files match`,
      why: 'which of them are the newest cannot be told from a part of them',
      fix: 'narrow the pattern, such as by {{date}} or a folder, and apply the schedule again',
    });
  }
  return [...found].sort();
}

async function walk(dir: string, [part, ...rest]: readonly string[], found: Set<string>, most: number): Promise<void> {
  if (part === undefined || found.size > most) return;
  if (part === '**') {
    await walk(dir, rest, found, most);
    for (const { name } of await entries(dir, (entry) => entry.isDirectory() && !entry.name.startsWith('.')))
      await walk(join(dir, name), ['**', ...rest], found, most);
    return;
  }
  const names = isPlain(part)
    ? [part]
    : (await entries(dir, ({ name }) => matches(part, name))).map(({ name }) => name);
  for (const name of names) {
    const path = join(dir, name);
    if (rest.length > 0) await walk(path, rest, found, most);
    else if (await isFile(path, isPlain(part))) found.add(path);
  }
}

/** A name that its folder lists and that cannot be looked at is not left out: a model of a part would be promoted. */
async function isFile(path: string, mayBeMissing: boolean): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (mayBeMissing && hasCode(error, 'ENOENT', 'ENOTDIR')) return false;
    throw new TemperError('SourceMissing', {
      where: path,
      what: `${path} matches and cannot be looked at`,
      why: errorText(error),
    });
  }
}

type Entry = Awaited<ReturnType<typeof listDir>>[number];

async function entries(dir: string, isWanted: (entry: Entry) => boolean): Promise<Entry[]> {
  return (await listDir(dir)).filter(isWanted);
}

function listDir(dir: string) {
  return readdir(dir, { withFileTypes: true }).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  });
}

function isPlain(part: string): boolean {
  return !/[*?[]/.test(part);
}

function matches(part: string, name: string): boolean {
  if (name.startsWith('.') && !part.startsWith('.')) return false;
  const source = part
    .replaceAll(/[.+^${}()|\\]/g, String.raw`\$&`)
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]')
    .replaceAll('[!', '[^');
  try {
    return new RegExp(`^${source}$`, 'u').test(name);
  } catch {
    // A bracket that is never closed means itself.
    return name === part;
  }
}
