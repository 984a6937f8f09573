import type { PreflightFacts, PreflightProbe, ProbeOutput } from '../../preflight.js';
import { TOOLKIT_ROOT } from '../toolkit-command.js';
import { readAnswer } from './answers.js';
import { readDeviceTable, type Chip } from './device-table.js';
import { wantedDevices } from './devices.js';

/** Ids of the probes whose outputs are judged. */
export const PROBES = {
  table: 'table',
  board: 'board',
  superPod: 'super-pod',
  link: (device: number) => `link/${device}`,
  tls: (device: number) => `tls/${device}`,
  health: ({ npu, chip }: Pick<Chip, 'npu' | 'chip'>) => `health/${npu}/${chip}`,
  optics: (device: number) => `optics/${device}`,
} as const;

/** It lists 16 devices in a few seconds; a driver that is stuck never answers. */
const TABLE_MS = 12_000;
/** One device and one question: less than a second. */
const ONE_MS = 5_000;

/** Before a relaunch only the table is read; links and versions do not change within a run. */
export function probes({ spec, depth }: PreflightFacts): readonly PreflightProbe[] {
  const ask = asker(spec);
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

/** The faults of devices that are not well, and the light of links that told their state: only root is told of light. */
export function followUps(
  outputs: ReadonlyMap<string, ProbeOutput>,
  { spec, depth }: PreflightFacts,
): readonly PreflightProbe[] {
  const ask = asker(spec);
  const table = readAnswer(outputs.get(PROBES.table));
  const wanted = wantedDevices(spec);
  const chips = table.kind === 'answered' ? (readDeviceTable(table.text)?.chips ?? []) : [];
  const sick = chips.filter(({ health, physicalId }) => health !== 'OK' && wanted.includes(physicalId));
  const lit =
    depth === 'quick' ? [] : wanted.filter((id) => readAnswer(outputs.get(PROBES.link(id))).kind === 'answered');
  return [
    ...sick.map(({ npu, chip }) =>
      ask(
        PROBES.health({ npu, chip }),
        ONE_MS,
        'npu-smi',
        ...['info', '-t', 'health', '-i', `${npu}`, '-c', `${chip}`],
      ),
    ),
    ...lit.map((id) => ask(PROBES.optics(id), ONE_MS, 'hccn_tool', '-i', String(id), '-optical', '-g')),
  ];
}

type Ask = (id: string, timeoutMs: number, ...argv: readonly string[]) => PreflightProbe;

function asker({ environment }: PreflightFacts['spec']): Ask {
  const root = environment.toolkitRoot ?? TOOLKIT_ROOT;
  const folders = [`${root}/driver/tools`, '/usr/local/bin', '/usr/local/sbin'];
  return (id, timeoutMs, ...argv) => ({ id, argv, folders, timeoutMs });
}
