import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** A pattern that meets more is a mistake, such as one of a whole disk. */
const MOST_FILES = 10_000;

/**
 * Files that match an absolute pattern, sorted: `*`, `?` and `[a-z]` stand for characters of a name, `**` for any
 * folders. Names that begin with a dot are met only by a pattern that begins with one.
 */
export async function findFiles(pattern: string): Promise<string[]> {
  const parts = pattern.split('/').filter((part) => part !== '' && part !== '.');
  const found = new Set<string>();
  await walk('/', parts, found);
  return [...found].sort();
}

async function walk(dir: string, [part, ...rest]: readonly string[], found: Set<string>): Promise<void> {
  if (part === undefined || found.size >= MOST_FILES) return;
  if (part === '**') {
    await walk(dir, rest, found);
    for (const { name } of await entries(dir, (entry) => entry.isDirectory() && !entry.name.startsWith('.')))
      await walk(join(dir, name), ['**', ...rest], found);
    return;
  }
  const names = isPlain(part)
    ? [part]
    : (await entries(dir, ({ name }) => matches(part, name))).map(({ name }) => name);
  for (const name of names) {
    const path = join(dir, name);
    if (rest.length > 0) await walk(path, rest, found);
    else if ((await stat(path).catch(() => null))?.isFile() === true) found.add(path);
  }
}

type Entry = Awaited<ReturnType<typeof listDir>>[number];

async function entries(dir: string, isWanted: (entry: Entry) => boolean): Promise<Entry[]> {
  return (await listDir(dir)).filter(isWanted);
}

function listDir(dir: string) {
  return readdir(dir, { withFileTypes: true }).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return [];
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
