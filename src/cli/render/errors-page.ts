import { CATALOGUE, EXIT, isErrorCode } from '../../domain/errors.js';
import type { ErrorCode } from '../../domain/errors.js';

/** One row of the error catalogue. */
export type CatalogueEntry = (typeof CATALOGUE)[ErrorCode] & { readonly code: ErrorCode };

/** The error catalogue in its own order. */
export function catalogueRows(): CatalogueEntry[] {
  return Object.keys(CATALOGUE)
    .filter(isErrorCode)
    .map((code) => ({ code, ...CATALOGUE[code] }));
}

/** The page `docs/errors.md`; `temper errors --markdown` prints it. */
export function errorsPage(): string {
  const rows = catalogueRows().map(
    ({ code, exit, retryable, fix }) => `| \`${code}\` | ${exit} | ${retryable ? 'yes' : 'no'} | ${fix} |`,
  );
  return [
    '# Errors',
    '',
    'Each error says what happened, where, why, and what fixes it. Codes never change their meaning.',
    'This page is made by `temper errors --markdown > docs/errors.md`; a test keeps it equal to the catalogue.',
    '',
    `Exit statuses: ${EXIT.ok} well, ${EXIT.failed} failed, ${EXIT.usage} wrong usage or spec, ${EXIT.unreachable} not reachable, ${EXIT.blocked} waits for a person, ${EXIT.interrupted} interrupted.`,
    '',
    '| code | exit | the same call may succeed later | usual fix |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
