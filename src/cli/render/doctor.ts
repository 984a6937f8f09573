import type { CheckStatus, DoctorReport, PreflightCheck } from '../../schemas/preflight.js';
import type { Paint, Style } from '../output.js';
import { plain } from './plain.js';

const STYLES = { ok: 'green', warn: 'yellow', fail: 'red', skipped: 'dim' } as const satisfies Record<
  CheckStatus,
  Style
>;

/** What `temper doctor` shows: one line per check, with the fix where one is needed, and the sum. */
export function doctorText({ checks, hosts }: DoctorReport, paint: Paint): string {
  const count = (status: CheckStatus): number => checks.filter((check) => check.status === status).length;
  const told = [
    `${count('ok')} ok`,
    ...(['warn', 'fail', 'skipped'] as const).filter((status) => count(status) > 0).map((s) => `${count(s)} ${s}`),
  ];
  const sum = `${hosts.length === 1 ? '1 host' : `${hosts.length} hosts`}: ${told.join(', ')}`;
  return [...checks.map((check) => line(check, paint)), paint('bold', sum)].join('\n');
}

function line({ id, status, what, where, why, fix }: PreflightCheck, paint: Paint): string {
  const mark = paint(STYLES[status], status.padEnd(7));
  const reason = why === undefined || status === 'ok' ? '' : ` (${why})`;
  const cure = fix === undefined ? '' : `; fix: ${fix}`;
  const text = `${id}  ${where}: ${what}${reason}${cure}`;
  // Texts come from other machines: a line break must not look like another check, nor move the cursor.
  return `${mark} ${plain(text)}`;
}
