import { randomUUID } from 'node:crypto';
import { errorText } from '../../domain/text/error-text.js';
import { getClient } from '@temporalio/activity';
import { TemperError } from '../../domain/errors.js';
import { hostQueue } from '../../domain/ids.js';
import type { HostContext } from '../../host/context.js';
import { stopKeepers } from '../../host/stop-keepers.js';
import type { StageCall } from '../../schemas/stage-calls.js';

/** Stops leftover commands of a stage on the host that ran them, which may be another one than this. */
export async function stopKeepersOn(host: HostContext, call: StageCall, target: string, prefix: string): Promise<void> {
  const { stopGraceMs, callTimeoutMs } = call.timing;
  if (target === host.name) {
    await stopKeepers(host.scratch, prefix, 'replaced by a new try', stopGraceMs);
    return;
  }
  try {
    await getClient().activity.execute('callHost', {
      id: `call/${randomUUID()}`,
      taskQueue: hostQueue(host.fleet, target, 'ctl'),
      args: [{ v: 1, op: 'stopKeepers', prefix, reason: 'replaced by a new try', graceMs: stopGraceMs }],
      scheduleToCloseTimeout: callTimeoutMs + stopGraceMs,
      retry: { maximumAttempts: 1 },
    });
  } catch (error) {
    throw new TemperError(
      'HostUnreachable',
      {
        where: target,
        what: `cannot make sure that ${prefix}* no longer runs there`,
        why: errorText(error),
      },
      { cause: error },
    );
  }
}
