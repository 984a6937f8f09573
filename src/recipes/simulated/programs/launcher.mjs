import { createServer } from 'node:net';
import { failureSummary, logLine } from './failure-summary.mjs';
import { Faults } from './faults.mjs';
import { startRanks, stopRanks } from './local-ranks.mjs';
import { formatTraceback, PythonError } from './program-errors.mjs';
import { serveStore, StoreClient } from './rendezvous-store.mjs';

/** How long node 0 waits for the others when it is done, as torchrun does: it serves the store that they use. */
const EXIT_BARRIER_MS = 300_000;

/**
 * A launcher in the shape of torchrun with static rendezvous: it starts the ranks of its node and ends them all when
 * one fails. It does not watch other nodes, and it never restarts.
 * @param {import('./launch-arguments.mjs').LaunchPlan} plan
 */
export async function launch(plan) {
  const blocker = await blockPort(plan);
  const server = plan.nodeRank === 0 ? await serveStore(plan.host, plan.port) : null;
  const store = await StoreClient.connect(plan.host, plan.port, plan.rendezvousTimeoutMs);
  try {
    store.set(`joined/${plan.nodeRank}`, '1');
    await waitForNodes(store, plan, 'joined');
    const ranks = startRanks(plan, process.env);
    process.exitCode = await watch(ranks, plan);
    store.set(`ended/${plan.nodeRank}`, '1');
    if (process.exitCode === 0 && plan.nodeRank === 0) await waitForUsers(store, plan);
  } finally {
    store.close();
    server?.close();
    blocker?.close();
  }
}

/** Waits until every node has set its key. */
async function waitForNodes(store, { nodes }, point) {
  for (let node = 0; node < nodes; node += 1) await store.get(`${point}/${node}`);
}

/** Exit status of the node: 0 when all ranks ended well, else 1 after the others were stopped. */
async function watch(ranks, plan) {
  const warn = (line) => process.stderr.write(logLine('W', line));
  const failed = Promise.any(ranks.map(async ({ ended }) => failedEnd(await ended))).catch(() => null);
  const first = await Promise.race([failed, receivedSignal()]);
  if (first === null) return 0;
  if (typeof first === 'string') {
    warn(`Received Signals.${first} death signal, shutting down workers`);
    await stopRanks(ranks, plan.graceMs, warn);
    process.stderr.write(
      formatTraceback(
        new PythonError(
          'torch.distributed.elastic.multiprocessing.api.SignalException',
          `Process ${process.pid} got signal: ${first}`,
        ),
      ),
    );
    return 1;
  }
  const ends = await stopRanks(ranks, plan.graceMs, warn);
  process.stderr.write(
    logLine(
      'E',
      `failed (exitcode: ${first.code}) local_rank: ${first.localRank} (pid: ${first.pid}) of binary: ${plan.interpreter}`,
    ),
  );
  process.stderr.write('Traceback (most recent call last):\n');
  process.stderr.write(
    failureSummary(
      plan,
      first,
      ends.filter(({ code, pid }) => code !== 0 && pid !== first.pid),
    ),
  );
  return 1;
}

/** Rejects for a good end, so that `Promise.any` finds the first bad one. */
function failedEnd(end) {
  if (end.code === 0) throw new Error('this rank ended well');
  return end;
}

function receivedSignal() {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.once(signal, () => resolve(signal));
  });
}

async function waitForUsers(store, plan) {
  let timer;
  const limit = new Promise((resolve) => {
    timer = setTimeout(resolve, EXIT_BARRIER_MS);
  });
  await Promise.race([waitForNodes(store, plan, 'ended'), limit]);
  clearTimeout(timer);
}

/** The fault `port-taken`: something else really listens at the master port. */
async function blockPort({ nodeRank, host, port, nodes, ranksPerNode }) {
  const file = process.env.SIM_FAULTS ?? null;
  if (nodeRank !== 0 || Faults.load(file, null, nodes * ranksPerNode).strike('launcher', 0).length === 0) return null;
  const server = createServer((socket) => socket.destroy());
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => resolve(undefined));
  });
  return server.unref();
}
