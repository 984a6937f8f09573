import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../../client/connect.js';
import type { TemperClient } from '../../client/connect.js';
import { watchRun } from '../../client/runs.js';
import { TemperError } from '../../domain/errors.js';
import { LOCAL_TIMING } from '../../domain/timing.js';
import type { DevState } from '../../schemas/dev.js';
import type { RunStatus } from '../../schemas/run.js';

/** Connects to this dev's own server, whatever other servers the person's settings name. */
export async function connectDev(state: DevState): Promise<TemperClient> {
  const client = await connect({ address: state.address, namespace: state.namespace });
  return { ...client, target: { ...client.target, timing: LOCAL_TIMING, dev: state } };
}

/** Our own server is started again within seconds; one that is away longer than this has a reason to be told. */
const SERVER_AWAY_LIMIT_MS = 60_000;
const RETRY_MS = 500;

/** Watches a run like `watchRun`, and goes on after the server was lost and came back. */
export async function* watchPatiently(
  client: TemperClient,
  run: string,
  signal: AbortSignal,
): AsyncGenerator<RunStatus> {
  let answeredAt = performance.now();
  for (;;) {
    try {
      for await (const status of watchRun(client, run, { signal })) {
        answeredAt = performance.now();
        yield status;
      }
      return;
    } catch (error) {
      const isFinal =
        signal.aborted || error instanceof TemperError || performance.now() - answeredAt > SERVER_AWAY_LIMIT_MS;
      if (isFinal) throw error;
      await sleep(RETRY_MS, undefined, { signal });
    }
  }
}
