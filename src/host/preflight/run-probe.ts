import { spawn, type ChildProcess } from 'node:child_process';
import type { PreflightProbe, ProbeOutput } from '../../recipes/preflight.js';
import { inheritedEnvironment } from '../keeper/environment.js';
import { systemErrorCode } from '../keeper/errors.js';
import { awaitLock } from '../keeper/lock.js';

/** More than any tool has to say about a host; what is behind it is dropped. */
const MOST_BYTES = 256 * 1024;

/**
 * Runs a command that only reads. It is given up after its time: killed, and not waited for, because a process that a
 * driver holds outlives SIGKILL. Never rejects.
 */
export function runProbe({ argv, timeoutMs, env = {} }: PreflightProbe): Promise<ProbeOutput> {
  const [program = '', ...args] = argv;
  return new Promise((resolve) => {
    const texts = { stdout: '', stderr: '' };
    let child: ChildProcess;
    const end = (state: ProbeOutput['state'], code: number | null): void => {
      clearTimeout(timer);
      resolve({ state, code, ...texts });
    };
    const timer = setTimeout(() => {
      killGroup(child);
      child.stdout?.destroy();
      child.stderr?.destroy();
      child.unref();
      end('hung', null);
    }, timeoutMs);
    try {
      child = spawn(program, args, {
        // Texts of tools are matched, so they must not be translated.
        env: { ...inheritedEnvironment([]), LC_ALL: 'C', ...env },
        cwd: '/',
        stdio: ['ignore', 'pipe', 'pipe'],
        // A group of its own, so that the children of a wrapper script end with it.
        detached: true,
      });
    } catch {
      // Such as a NUL in an argument.
      end('refused', null);
      return;
    }
    child.once('error', (error) => end(systemErrorCode(error) === 'ENOENT' ? 'missing' : 'refused', null));
    child.once('close', (code) => end('ended', code));
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.setEncoding('utf8').on('data', (text: string) => {
        if (texts[name].length < MOST_BYTES) texts[name] = `${texts[name]}${text}`.slice(0, MOST_BYTES);
      });
    }
  });
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended just now.
  }
}

/** Names the lock for the tools of devices: one per machine, whatever the scratch folders of its workers are. */
const TOOLS = '/run/temper-device-tools';

/**
 * Runs probes one after the other, under the one lock that this machine has for them: tools of device vendors fail or
 * hang when two of them ask one device at a time. Those that could not begin within `patienceMs` are hung.
 */
export async function runProbes(
  probes: readonly PreflightProbe[],
  patienceMs = 60_000,
): Promise<ReadonlyMap<string, ProbeOutput>> {
  const outputs = new Map<string, ProbeOutput>();
  if (probes.length === 0) return outputs;
  const lock = await awaitLock(TOOLS, patienceMs);
  if (lock === null) {
    const stderr = `other tools of this host have held the lock for ${patienceMs} ms`;
    for (const { id } of probes) outputs.set(id, { state: 'hung', code: null, stdout: '', stderr });
    return outputs;
  }
  try {
    for (const probe of probes) outputs.set(probe.id, await runProbe(probe));
  } finally {
    await lock.release();
  }
  return outputs;
}
