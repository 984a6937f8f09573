import type { Problem } from '../schemas/problem.js';
import { problem } from './errors.js';
import { errorText } from './text/error-text.js';

/** What stays as it is until a person acts, by the name that the system gives it. */
const FAULTS: Readonly<Record<string, { readonly what: string; readonly fix: string }>> = {
  ENOSPC: { what: 'no space is left on this disk', fix: 'free some (temper gc --dry-run shows what can go)' },
  EDQUOT: { what: 'the disk quota is used up', fix: 'raise it, or free some (temper gc --dry-run shows what can go)' },
  EROFS: { what: 'this file system is read-only', fix: 'mount it for writing' },
  EACCES: { what: 'this may not be used by the user of this process', fix: 'give that user the right' },
  EPERM: { what: 'this may not be done by the user of this process', fix: 'give that user the right' },
};

/**
 * The problem behind an error of the file system that a person has to remove; null for all others. It may be removed
 * at any moment, so trying again is worth something.
 * @param then what to do afterwards, as in "temper resume RUN"
 */
export function diskProblem(error: unknown, then: string): Problem | null {
  if (!(error instanceof Error) || !('syscall' in error && 'code' in error)) return null;
  const { what, fix } = FAULTS[String(error.code)] ?? {};
  if (what === undefined) return null;
  const path = 'path' in error && typeof error.path === 'string' ? { where: error.path } : {};
  const facts = problem('WorkspaceUnusable', { ...path, what, why: errorText(error), fix: `${fix}, then ${then}` });
  return { ...facts, retryable: true };
}
