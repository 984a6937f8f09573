import type { PreflightCheck } from '../../schemas/preflight.js';
import { judgeDisks } from './judge-disks.js';
import { judgeLimits } from './judge-limits.js';
import { checked } from './list.js';
import { isUnseen, type HostLook, type PortLook, type Unseen } from './look.js';
import { someNames } from '../text/some-names.js';

/** Names that a sentence can hold. */
const MOST_NAMES = 6;

/** The checks that one host can tell about itself, in the order of the list; a quick look leaves some out. */
export function judgeHost(look: HostLook): readonly PreflightCheck[] {
  return [
    judgeProcesses(look),
    judgeSurvivors(look),
    judgeFence(look),
    judgeAddress(look),
    judgeMasterPort(look),
    judgePorts(look),
    ...judgeLimits(look),
    ...judgeDisks(look),
  ];
}

function judgeProcesses(look: HostLook): PreflightCheck {
  const { host, leftovers, trainings, isLaunch } = look;
  if (isUnseen(leftovers)) return unseen('processes', host, leftovers);
  if (isUnseen(trainings)) return unseen('processes', host, trainings);
  const fix = 'temper ends them before it launches; by hand: kill -9 PID';
  if (leftovers.length > 0) {
    const named = leftovers.map(({ pid, keeper }) => `${pid} (${keeper})`);
    return checked('processes', 'fail', {
      where: host,
      what: `processes without a keeper: ${someNames(named, MOST_NAMES)}`,
      fix,
    });
  }
  const named = trainings.map(({ keeper, state }) => `${keeper} is ${state}`);
  const lost = trainings.some(({ state }) => state === 'lost');
  if (trainings.length > 0 && (isLaunch || lost)) {
    return checked('processes', 'fail', {
      where: host,
      what: `a training of an older attempt: ${someNames(named, MOST_NAMES)}`,
      fix,
    });
  }
  const what =
    trainings.length === 0
      ? 'no leftover processes'
      : `no leftover processes; at work: ${someNames(named, MOST_NAMES)}`;
  return checked('processes', 'ok', { where: host, what });
}

function judgeSurvivors({ host, unkillable }: HostLook): PreflightCheck {
  if (isUnseen(unkillable)) return unseen('survived-kill', host, unkillable);
  if (unkillable.length === 0) return checked('survived-kill', 'ok', { where: host, what: 'nothing survived SIGKILL' });
  return checked('survived-kill', 'fail', {
    where: host,
    what: `processes survive SIGKILL: ${someNames(unkillable.map(String), MOST_NAMES)}`,
    fix: 'reboot the host, or take it out of the fleet',
  });
}

function judgeFence({ host, fence }: HostLook): PreflightCheck {
  if (isUnseen(fence)) {
    return checked('fence', 'fail', {
      where: host,
      what: `the fence of the host cannot be read: ${fence.unseen}`,
      why: 'keepers refuse to start under a fence that they cannot read',
      fix: 'look at fence.json in scratch; remove it when no training runs on the host',
      fault: 'host',
    });
  }
  const { standing, own } = fence;
  if (standing !== null && own !== null && standing > own) {
    return checked('fence', 'fail', {
      where: host,
      what: `the host was given to lease ${standing}, after lease ${own} that asks now`,
      fix: 'none is needed: a newer attempt goes on',
    });
  }
  return checked('fence', 'ok', {
    where: host,
    what: standing === null ? 'no attempt has had the host' : `newest lease seen: ${standing}`,
  });
}

function judgeAddress({ host, address, isAddressLocal }: HostLook): PreflightCheck {
  if (isAddressLocal) return checked('address', 'ok', { where: host, what: `${address} belongs to this machine` });
  return checked('address', 'fail', {
    where: host,
    what: `the training address ${address} belongs to no interface of this machine`,
    fix: 'start the worker with the address of its training interface: temper worker --train-address IP',
  });
}

function judgeMasterPort(look: HostLook): PreflightCheck {
  const { host, address, masterPorts } = look;
  if (masterPorts === null) {
    return checked('master-port', 'skipped', { where: host, what: 'node 0 is on another host' });
  }
  const [first] = masterPorts;
  if (first === undefined) {
    return checked('master-port', 'ok', { where: `${host}: ${address}`, what: 'any free port will do' });
  }
  const busy = busyByTraining('master-port', look, masterPorts);
  if (busy !== null) return busy;
  const free = masterPorts.find(({ state }) => state === 'free');
  if (free !== undefined) {
    return checked('master-port', 'ok', { where: `${host}: ${address}`, what: `port ${free.port} is free` });
  }
  return checked('master-port', 'fail', {
    where: `${host}: ${address}`,
    what: `none of the ports for the rendezvous is free: ${someNames(masterPorts.map(tell), MOST_NAMES)}`,
    fix: 'end the named process, or let the spec name other ports',
  });
}

function judgePorts(look: HostLook): PreflightCheck {
  const { host, address, ports } = look;
  if (ports.length === 0) return checked('ports', 'ok', { where: host, what: 'no fixed ports are needed' });
  const busy = busyByTraining('ports', look, ports);
  if (busy !== null) return busy;
  const where = `${host}: ${address}`;
  const held = ports.filter(({ state }) => state !== 'free');
  if (held.length > 0) {
    const isPassing = held.every(({ state }) => state === 'passing');
    return checked('ports', isPassing && !look.isLaunch ? 'warn' : 'fail', {
      where,
      what: `ports that ranks need are not free: ${someNames(held.map(tell), MOST_NAMES)}`,
      fix: isPassing ? reserving(ports) : 'end the named process, or move the ports of the training',
    });
  }
  const what = `${ports.length} ports are free`;
  // What will be so at every launch is told at the first one.
  if (look.depth === 'quick' || !ports.some(({ isEphemeral }) => isEphemeral)) {
    return checked('ports', 'ok', { where, what });
  }
  return checked('ports', 'warn', {
    where,
    what: `${what}, but the kernel may give them to outgoing connections`,
    why: 'a port that such a connection has, or had within the last minute, stops a launch',
    fix: reserving(ports),
  });
}

/** The list of the kernel is replaced whole, and does not outlive a reboot. */
function reserving(ports: readonly PortLook[]): string {
  const numbers = ports.map(({ port }) => port);
  const range = `${Math.min(...numbers)}-${Math.max(...numbers)}`;
  return (
    `keep them from outgoing connections: sysctl -w net.ipv4.ip_local_reserved_ports=${range} (and in /etc/sysctl.d; ` +
    'add what is in that list already), or move the ports of the training'
  );
}

/** A training at work holds its ports rightly; only a launch wants them free. */
function busyByTraining(
  id: 'master-port' | 'ports',
  { host, isLaunch, trainings }: HostLook,
  ports: readonly PortLook[],
): PreflightCheck | null {
  const isBusy = !isLaunch && !isUnseen(trainings) && trainings.length > 0;
  if (!isBusy || ports.every(({ state }) => state === 'free')) return null;
  return checked(id, 'skipped', { where: host, what: 'a training runs on the host and may hold them' });
}

function tell({ port, state, holder }: PortLook): string {
  if (state === 'refused') return `${port} may not be used by this user`;
  return holder === null ? String(port) : `${port} (${holder})`;
}

/** A check whose facts could not be had. */
function unseen(id: Parameters<typeof checked>[0], where: string, { unseen: why }: Unseen): PreflightCheck {
  return checked(id, 'warn', {
    where,
    what: `could not be looked at: ${why}`,
    fix: 'look at the rights of the user that runs the worker',
  });
}
