import { totalmem } from 'node:os';
import { errorText } from '../../domain/text/error-text.js';
import { isUnseen, type DiskLook, type HostLook, type Unseen, type WriteLook } from '../../domain/preflight/look.js';
import { judgeHost } from '../../domain/preflight/judge-host.js';
import type { PreflightRecipe } from '../../recipes/preflight.js';
import type { HostTools } from '../../recipes/recipe.js';
import type { Resources } from '../../schemas/plan.js';
import type { HostFacts, PreflightCheck, PreflightDepth } from '../../schemas/preflight.js';
import type { PipelineSpec } from '../../schemas/spec.js';
import { VERSION } from '../../version.js';
import type { HostContext } from '../context.js';
import { readEnvironment } from '../environment-file.js';
import { readHostFence } from '../fence/host-fence.js';
import { measureBandwidth } from '../measure-bandwidth.js';
import { nearestFolder } from '../nearest-folder.js';
import { announcedMachineId } from '../probe.js';
import { availableRamBytes } from '../resources.js';
import { askDevices } from './ask-devices.js';
import { lookAtDisk, lookAtWorkspace, openScratch, tryToWrite } from './disks.js';
import { lookAtTrainings } from './leftovers.js';
import { lookAtSharedMemory, lookAtZones, openFileLimit } from './limits.js';
import { lookAtTaskLimit } from './task-limit.js';
import { oncePerDisk } from './once-per-disk.js';
import { isLocalAddress, lookAtPorts } from './ports.js';
import { tryToReserve } from './reserve.js';
import { lookAround } from './sight.js';

/** What is to be looked at. */
export interface Preflight {
  readonly depth: PreflightDepth;
  readonly isLaunch: boolean;
  /** null: none is named. */
  readonly workspace: string | null;
  readonly needs: Resources;
  /** Lease that asks; null when nobody launches. */
  readonly lease: number | null;
  /** Ports of which node 0 takes the first free one; null on other hosts. */
  readonly masterPorts: readonly number[] | null;
  /** The training that is meant; null: this host in general. */
  readonly training: {
    readonly spec: PipelineSpec;
    readonly tools: HostTools;
    readonly recipe: { readonly id: string; readonly preflight?: PreflightRecipe };
  } | null;
}

/** All checks that this host can make alone, and what it says about itself for the comparison with others. */
export async function lookAtHost(
  host: HostContext,
  preflight: Preflight,
): Promise<{ readonly checks: readonly PreflightCheck[]; readonly facts: HostFacts }> {
  const { depth, isLaunch, training } = preflight;
  const probeFacts =
    training === null ? null : { spec: training.spec, tools: training.tools, host: host.name, depth, isLaunch };
  const own = training?.recipe.preflight;
  const [look, outputs, environment] = await Promise.all([
    gather(host, preflight),
    probeFacts === null || own === undefined ? new Map<string, never>() : askDevices(own, probeFacts),
    training === null ? null : readEnvironment(host.scratch, training.recipe.id, training.tools.python),
  ]);
  const reading =
    probeFacts === null || own?.judge === undefined
      ? { checks: [], facts: {} }
      : own.judge(outputs, probeFacts, lookAround(host.address));
  const { zones, bandwidth } = look;
  return {
    checks: [...judgeHost(look), ...reading.checks],
    facts: {
      v: 1,
      host: host.name,
      machineId: announcedMachineId(),
      address: host.address,
      user: process.getuid?.() ?? 0,
      temper: VERSION,
      node: process.version,
      environment: environment === null ? null : { digest: environment.digest, lock: environment.lock },
      zone: zones === null || isUnseen(zones) ? null : zones.ranks,
      bandwidth: bandwidth === null || isUnseen(bandwidth) ? null : bandwidth,
      measurement: look.measurement,
      recipe: { ...reading.facts },
    },
  };
}

/** A launch waits for it; the first block is moved in any case. */
const MEASURE = { writeMs: 700, readMs: 400 };
const MIB = 1024 ** 2;

/** What is written on trial: less than a small training writes itself, which would wait longer than it learns from it. */
function trialBytes({ diskBytes }: Resources, most: number): number {
  return diskBytes === 0 ? most : Math.min(most, Math.max(16 * MIB, Math.floor(diskBytes / 16)));
}

/** Left to others that write meanwhile: blocks that are set aside are missing to them for a moment. */
const LEFT_BYTES = 16 * 1024 * MIB;

/** Node 0 alone asks, because all hosts together would ask for the sum; only where statfs says that there is room. */
async function reserve(
  { masterPorts, needs: { diskBytes } }: Preflight,
  { path, freeBytes }: DiskLook,
): Promise<WriteLook | null> {
  if (masterPorts === null || diskBytes === 0 || freeBytes < diskBytes + LEFT_BYTES) return null;
  // Other looks tell when the workspace takes no file at all.
  return tryToReserve(path, diskBytes).catch(() => null);
}

async function gather(
  host: HostContext,
  preflight: Preflight,
): Promise<HostLook & { readonly measurement: string | null }> {
  const { depth, isLaunch, workspace, needs, lease, training } = preflight;
  const isFull = depth === 'full';
  // Only the look of a person may come before the first worker, and it makes no folders.
  if (isLaunch) await openScratch(host.scratch);
  const scratchDir = isLaunch ? host.scratch : await nearestFolder(host.scratch);
  const limits = training === null ? {} : (training.recipe.preflight?.limits?.(training.spec) ?? {});
  const [trainings, fence, isAddressLocal, ports, scratch, room, availableBytes, sharedMemory, zones] =
    await Promise.all([
      orUnseen(lookAtTrainings(host.scratch)),
      orUnseen(readHostFence(host.scratch)),
      isLocalAddress(host.address),
      lookAtAllPorts(host.address, preflight),
      orUnseen(lookAtDisk(scratchDir)),
      workspace === null ? null : lookAtWorkspace(workspace),
      availableRamBytes(),
      lookAtSharedMemory(),
      isFull ? lookAtZones(rankEnvironment(training?.spec ?? null)) : null,
    ]);
  // After the rest: what is written would slow the other looks down, and scratch may be on the same disk.
  const scratchWrite = isFull
    ? (await oncePerDisk('write', scratchDir, () => tryToWrite(scratchDir, trialBytes(needs, 64 * MIB)))).value
    : null;
  const measured =
    isFull && workspace !== null && room?.state === 'usable'
      ? await oncePerDisk('bandwidth', workspace, () =>
          orUnseen(measureBandwidth(workspace, { ...MEASURE, maxBytes: trialBytes(needs, 256 * MIB) })),
        )
      : null;
  return {
    host: host.name,
    depth,
    isLaunch,
    trainings: isUnseen(trainings) ? trainings : trainings.trainings,
    leftovers: isUnseen(trainings) ? trainings : trainings.leftovers,
    unkillable: isUnseen(trainings) ? trainings : trainings.unkillable,
    fence: fence !== null && isUnseen(fence) ? fence : { standing: fence?.lease ?? null, own: lease },
    address: host.address,
    isAddressLocal,
    ...ports,
    scratch,
    scratchWrite,
    memory: { availableBytes, totalBytes: totalmem(), neededBytes: needs.ramBytes },
    openFiles: openFileLimit(),
    neededOpenFiles: limits.openFiles ?? 0,
    tasks: lookAtTaskLimit(),
    neededTasks: limits.tasks ?? 0,
    sharedMemory,
    neededSharedBytes: limits.sharedMemoryBytes ?? 0,
    zones,
    workspacePath: workspace,
    workspace: room,
    neededBytes: needs.diskBytes,
    reserved: isFull && isLaunch && room?.state === 'usable' ? await reserve(preflight, room.disk) : null,
    bandwidth: measured?.value ?? null,
    measurement: measured?.id ?? null,
  };
}

/** One list after the other: both may name the same port. */
async function lookAtAllPorts(
  address: string,
  { masterPorts, training }: Preflight,
): Promise<Pick<HostLook, 'masterPorts' | 'ports'>> {
  const wanted = training === null ? [] : (training.recipe.preflight?.ports?.(training.spec) ?? []);
  return {
    masterPorts: masterPorts === null ? null : await lookAtPorts(address, masterPorts),
    ports: await lookAtPorts(address, wanted),
  };
}

/** What ranks get beside the environment of the worker, as far as the spec says it. */
function rankEnvironment(spec: PipelineSpec | null): Record<string, string> {
  return Object.fromEntries(Object.entries(spec?.train.env ?? {}).map(([name, value]) => [name, String(value)]));
}

function orUnseen<T>(work: Promise<T>): Promise<T | Unseen> {
  return work.catch((error: unknown): Unseen => ({ unseen: errorText(error) }));
}
