import { spawn, type ChildProcess } from 'node:child_process';
import { delimiter } from 'node:path';
import type { PreflightProbe, ProbeOutput } from '../../recipes/preflight.js';
import { hasCode } from '../system-error.js';
import { inheritedEnvironment } from '../keeper/environment.js';
import { awaitLock } from '../keeper/lock.js';

/** More than any tool has to say about a host; what is behind it is dropped. */
const MOST_BYTES = 256 * 1024;

/**
 * Runs a command that only reads. It is given up after its time: killed, and not waited for, because a process that a
 * driver holds outlives SIGKILL. Never rejects.
 */
export function runProbe({ argv, folders = [], timeoutMs, env = {} }: PreflightProbe): Promise<ProbeOutput> {
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
      texts.stderr += `no answer within ${timeoutMs / 1_000} s`;
      end('hung', null);
    }, timeoutMs);
    try {
      child = spawn(program, args, {
        // Texts of tools are matched, so they must not be translated.
        env: { ...withFolders(folders), LC_ALL: 'C', ...env },
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
    child.once('error', (error) => end(hasCode(error, 'ENOENT') ? 'missing' : 'refused', null));
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

/** Tools of drivers lie in folders that few users have in their PATH. */
function withFolders(folders: readonly string[]): Record<string, string> {
  const inherited = inheritedEnvironment([]);
  const path = [inherited['PATH'] ?? '', ...folders].filter((folder) => folder !== '').join(delimiter);
  return { ...inherited, PATH: path };
}

/** Names the lock for the tools of devices: one per machine, whatever the scratch folders of its workers are. */
const TOOLS = '/run/temper-device-tools';
/** How long the tools may be in use by others: several looks, which take a few seconds each. */
const PATIENCE_MS = 20_000;

/**
 * Runs probes one after the other, under the one lock that this machine has for them: tools of device vendors fail or
 * hang when two of them ask one device at a time. A program that hung once is not asked again in this look.
 */
export async function runProbes(
  probes: readonly PreflightProbe[],
  patienceMs = PATIENCE_MS,
): Promise<ReadonlyMap<string, ProbeOutput>> {
  const outputs = new Map<string, ProbeOutput>();
  if (probes.length === 0) return outputs;
  const lock = await awaitLock(TOOLS, patienceMs);
  if (lock === null) {
    const stderr = `another look at the devices of this host has been under way for ${patienceMs} ms`;
    for (const { id } of probes) outputs.set(id, { state: 'busy', code: null, stdout: '', stderr });
    return outputs;
  }
  const hung = new Set<string | undefined>();
  try {
    for (const probe of probes) {
      const [program] = probe.argv;
      const output = hung.has(program)
        ? { state: 'hung' as const, code: null, stdout: '', stderr: `not asked: ${program} hung before` }
        : await runProbe(probe);
      if (output.state === 'hung') hung.add(program);
      outputs.set(probe.id, output);
    }
  } finally {
    await lock.release();
  }
  return outputs;
}
