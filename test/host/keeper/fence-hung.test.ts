import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { endTrainings } from '../../../src/host/fence/end-trainings.js';
import { takeHost } from '../../../src/host/fence/take-host.js';
import { ensureKeeper } from '../../../src/host/keeper/client.js';
import { readProcess } from '../../../src/host/processes/proc.js';
import { isAlive, printedNumbers, read, request, sh, until, useKeeperBench } from './helpers.js';
import { canHang, fenceOf, lookerOf, mountHungFileSystem } from './workspace.js';
import type { HungFileSystem } from './workspace.js';

// The real thing: a file system that takes requests and never answers, so that its callers are in state D, where
// SIGKILL does not reach them. Needs root and FUSE; a named pipe stands in elsewhere (fence.test.ts).

const bench = useKeeperBench();
let mounted: HungFileSystem | null = null;
// Registered last, so that it runs before the bench looks for what is left.
afterEach(async () => {
  await mounted?.end();
  mounted = null;
});

const KILL_DEADLINE_MS = 2_000;

describe.skipIf(!canHang())('a workspace that hangs in the kernel', () => {
  it('ends the keeper in time; ranks that hang in it are reported, and the host is not given away', async () => {
    const workspace = await mountHungFileSystem(bench.scratch());
    mounted = workspace;
    const fence = fenceOf(join(workspace.dir, 'fence'), { timeoutMs: 1_500 });
    // A rank that trains without the workspace, and one that opens a file there whenever it is told to.
    const ranks = sh(`sleep 600 & echo $!; while ! test -e ${bench.scratch()}/hang; do sleep 0.02; done
      echo $$; exec cat ${workspace.dir}/fence`);
    const keeper = await ensureKeeper(
      bench.scratch(),
      bench.bundle(),
      request(ranks, { fence, killDeadlineMs: KILL_DEADLINE_MS }),
    );
    const status = await keeper.status();
    if (status.state !== 'running') throw new Error(status.state);
    const { pid } = status.record.keeper;
    const looker = await lookerOf(pid);
    const hungAt = Date.now();
    workspace.hang();
    const [free = 0, stuck = 0] = await printedNumbers(keeper.paths.stdout, 2);

    const exit = await keeper.waitForExit();
    expect(exit).toMatchObject({ stop: { reason: 'workspace-lost', isForced: true }, unkillable: [stuck] });
    expect(Date.parse(exit.endedAt) - hungAt).toBeLessThan(20_000);
    expect(readProcess(stuck)).toMatchObject({ state: 'D' });
    expect(JSON.parse(readFileSync(keeper.paths.exit, 'utf8'))).toEqual(exit);
    await until(() => !isAlive(pid), 'the end of the keeper itself');
    expect(isAlive(free)).toBe(false);
    expect(read(keeper.paths.log)).toMatch(/could not be read for 1500 ms: a look hangs/);

    // The next attempt finds them, long after their keeper has gone.
    const host = { name: 'h07', scratch: bench.scratch() };
    const next = { run: 'r', attempt: 2, lease: 2 };
    await expect(takeHost(host, next, { graceMs: 0, secondDeadlineMs: 200 })).rejects.toMatchObject({
      problem: {
        code: 'HostUnkillable',
        where: 'h07',
        what: `a process survives SIGKILL on h07: ${stuck}`,
        evidence: [`pid ${stuck}: state D`],
      },
    });
    // Once the file system lets go, nothing is left to report.
    await workspace.end();
    await until(() => !isAlive(stuck) && !isAlive(looker), 'the end of those who hung');
    expect(await endTrainings(bench.scratch(), next, { graceMs: 0 })).toEqual([{ id: 'one', unkillable: [] }]);
    await takeHost(host, next, { graceMs: 0 });
  });
});
