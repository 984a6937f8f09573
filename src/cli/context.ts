import type { CliIo } from './io.js';
import type { Output } from './output.js';
import type { ConnectFlags } from '../client/connect.js';
import type { RunService } from './run-service.js';

/** What a command works with. */
export interface CommandContext {
  readonly io: CliIo;
  readonly output: Output;
  /** Connects when a command needs it, and not before: loading the client takes a third of a second. */
  openRuns(flags: ConnectFlags): Promise<RunService>;
}

/** Runs `work` with a connection and closes it, whatever happens. */
export async function withRuns<T>(
  context: CommandContext,
  flags: ConnectFlags,
  work: (runs: RunService) => Promise<T>,
): Promise<T> {
  const runs = await context.openRuns(flags);
  try {
    return await work(runs);
  } finally {
    await runs.close();
  }
}
