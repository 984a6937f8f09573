import type { CliIo } from './io.js';

/** Name of the person at the command line, for histories. */
export function whoAsks({ env }: Pick<CliIo, 'env'>): string {
  return (env['USER'] ?? env['LOGNAME'] ?? 'somebody').slice(0, 100);
}
