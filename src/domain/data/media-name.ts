/** The folder (relative, `''` for the root) and file name of a media path, or undefined when it may leave its root. */
export interface MediaName {
  readonly folder: string;
  readonly base: string;
}

/**
 * Splits a media path as a row names it. Refused (undefined): absolute paths and any `..`, also one that stays
 * inside by its letters, because behind a linked folder it would not. `.` and doubled slashes are skipped.
 */
export function splitMediaName(name: string): MediaName | undefined {
  if (!name.includes('/')) return name === '..' ? undefined : { folder: '', base: name };
  if (name.startsWith('/')) return undefined;
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) return undefined;
  // A trailing slash names a folder, which is never an image; an empty base is found nowhere.
  const base = name.endsWith('/') ? '' : (parts.pop() ?? '');
  return { folder: parts.join('/'), base };
}
