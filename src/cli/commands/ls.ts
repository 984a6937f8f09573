import { EXIT } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { withRuns } from '../context.js';
import type { CommandContext } from '../context.js';
import { renderRuns } from '../render/status.js';
import type { ConnectFlags } from '../../client/connect.js';

/** `temper ls`: all runs, the newest first. */
export async function ls(context: CommandContext, flags: ConnectFlags): Promise<ExitStatus> {
  const found = await withRuns(context, flags, (runs) => runs.listRuns());
  const runs = [...found].sort((a, b) => Date.parse(b.startedAt) - Date.parse(a.startedAt));
  if (context.output.format === 'jsonl') for (const run of runs) context.output.event(run);
  else context.output.result({ v: 1, runs }, (paint) => renderRuns(runs, paint, Date.now()));
  return EXIT.ok;
}
