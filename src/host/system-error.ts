/** The system's error name, such as "ENOENT", or null for errors of another kind. */
export function systemErrorCode(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}

/** The same where a sentence needs a name for whatever was thrown. */
export function errorName(error: unknown): string {
  return systemErrorCode(error) ?? String(error);
}

/** Whether the system answered one of these names. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  const code = systemErrorCode(error);
  return code !== null && codes.includes(code);
}

/** Whether something of that name is there already, or a folder is not empty: file systems answer both with either. */
export function isTaken(error: unknown): boolean {
  return hasCode(error, 'ENOTEMPTY', 'EEXIST');
}

/** For `.catch` of a look at the disk: what is not there is null; any other error tells nothing about what is there. */
export function nullIfMissing(error: unknown): null {
  if (hasCode(error, 'ENOENT')) return null;
  throw error;
}
