import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { cpuTimeMs } from '../../../src/host/processes/cpu-time.js';
import { until } from '../keeper/helpers.js';

describe('the CPU time of sessions', () => {
  it('grows while a process works, stands while it sleeps, and is unknown without one', async () => {
    const sleeper = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
    const worker = spawn('sh', ['-c', 'while :; do :; done'], { detached: true, stdio: 'ignore' });
    const sessions = (child: typeof sleeper): ReadonlySet<number> => new Set([child.pid ?? 0]);
    try {
      await until(() => (cpuTimeMs(sessions(worker)) ?? 0) >= 50);
      expect(cpuTimeMs(sessions(sleeper))).toBeLessThan(50);
      expect(cpuTimeMs(new Set([...sessions(worker), ...sessions(sleeper)]))).toBeGreaterThanOrEqual(50);
    } finally {
      for (const child of [sleeper, worker]) child.kill('SIGKILL');
      for (const child of [sleeper, worker]) {
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      }
    }
    expect(cpuTimeMs(sessions(worker))).toBeNull();
  });
});
