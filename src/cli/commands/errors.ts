import { EXIT } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import type { CommandContext } from '../context.js';
import { catalogueRows, errorsPage } from '../render/errors-page.js';
import { table } from '../render/table.js';

/** `temper errors`: the catalogue of errors with exit status and usual fix. */
export function errors({ output }: CommandContext, { markdown }: { readonly markdown?: boolean }): ExitStatus {
  const rows = catalogueRows();
  output.result({ v: 1, errors: rows }, () =>
    markdown === true
      ? errorsPage()
      : table(
          ['CODE', 'EXIT', 'RETRY', 'FIX'],
          rows.map(({ code, exit, retryable, fix }) => [code, String(exit), retryable ? 'yes' : 'no', fix]),
        ),
  );
  return EXIT.ok;
}
