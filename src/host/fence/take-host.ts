import { TemperError } from '../../domain/errors.js';
import { readProcess } from '../processes/proc.js';
import type { HostContext } from '../context.js';
import { endTrainings, type EndedTraining, type EndTrainingsOptions } from './end-trainings.js';
import { raiseHostFence, type HostClaim } from './host-fence.js';

/**
 * Gives this host to an attempt: no older one can start here any more, and none runs. To be called before the keeper
 * of the attempt is started; calling it again changes nothing. Throws `FencedOff` when the host belongs to a newer
 * attempt, and `HostUnkillable` when processes of an older one survive SIGKILL.
 */
export async function takeHost(
  { name, scratch }: Pick<HostContext, 'name' | 'scratch'>,
  claim: HostClaim,
  options: EndTrainingsOptions,
): Promise<void> {
  await raiseHostFence(scratch, claim);
  const ended = await endTrainings(scratch, claim, options);
  const stuck = ended.filter(({ unkillable }) => unkillable.length > 0);
  if (stuck.length > 0) throw hostUnkillable(name, stuck);
}

/** The error of a host on which processes survive SIGKILL. */
export function hostUnkillable(host: string, stuck: readonly EndedTraining[]): TemperError {
  const pids = stuck.flatMap(({ unkillable }) => unkillable);
  return new TemperError('HostUnkillable', {
    where: host,
    what: `${pids.length === 1 ? 'a process survives' : 'processes survive'} SIGKILL on ${host}: ${pids.join(', ')}`,
    why: `left by ${stuck.map(({ id }) => id).join(', ')}; a process that a device driver or a dead file system holds`,
    // States as in proc(5), D for one that waits in the kernel; a command line could hang the one who reads it.
    evidence: pids.map((pid) => `pid ${pid}: state ${readProcess(pid)?.state ?? 'gone'}`),
  });
}
