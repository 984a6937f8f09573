import type { PreflightFacts, PreflightProbe } from '../../preflight.js';
import { TOOLKIT_ROOT } from '../toolkit-command.js';
import { wantedDevices } from './devices.js';

/** Ids of the probes whose outputs are judged. */
export const PROBES = {
  table: 'table',
  board: 'board',
  superPod: 'super-pod',
  link: (device: number) => `link/${device}`,
  tls: (device: number) => `tls/${device}`,
} as const;

/** It lists 16 devices in a few seconds; a driver that is stuck never answers. */
const TABLE_MS = 12_000;
/** One device and one question: less than a second. */
const ONE_MS = 5_000;

/** Before a relaunch only the table is read; links and versions do not change within a run. */
export function probes({ spec, depth }: PreflightFacts): readonly PreflightProbe[] {
  const root = spec.environment.toolkitRoot ?? TOOLKIT_ROOT;
  const folders = [`${root}/driver/tools`, '/usr/local/bin', '/usr/local/sbin'];
  const ask = (id: string, timeoutMs: number, ...argv: readonly string[]): PreflightProbe => ({
    id,
    argv,
    folders,
    timeoutMs,
  });
  const table = ask(PROBES.table, TABLE_MS, 'npu-smi', 'info');
  if (depth === 'quick') return [table];
  return [
    table,
    ask(PROBES.board, ONE_MS, 'npu-smi', 'info', '-t', 'board', '-i', '0'),
    ask(PROBES.superPod, ONE_MS, 'npu-smi', 'info', '-t', 'spod-info', '-i', '0', '-c', '0'),
    ...wantedDevices(spec).flatMap((device) => [
      ask(PROBES.link(device), ONE_MS, 'hccn_tool', '-i', String(device), '-link', '-g'),
      ask(PROBES.tls(device), ONE_MS, 'hccn_tool', '-i', String(device), '-tls', '-g'),
    ]),
  ];
}
