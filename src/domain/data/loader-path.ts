/** What keeps the training's loader from opening a path; null when nothing does. */
export function unloadable(path: string, areSpacesKept = false): string | null {
  if (path.includes(',')) return 'a comma';
  if (!areSpacesKept && /\s/.test(path)) return 'a space';
  // The loader hands each path to fsspec, which searches for patterns and takes `::` for a chain of file systems.
  const magic = /[*?[]|::/.exec(path)?.[0];
  return magic === undefined ? null : JSON.stringify(magic);
}
