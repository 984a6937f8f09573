import type { PreflightCheck } from '../../schemas/preflight.js';
import { showBytes } from '../text/show-bytes.js';
import { checked } from './list.js';
import { isUnseen, type HostLook } from './look.js';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/** Below this a loader with a few workers fails; vendors advise 100,000 for large gangs. */
const MIN_OPEN_FILES = 1_024;
const GOOD_OPEN_FILES = 65_536;
/** Container runtimes give 64 MiB when nobody asks for more, which one batch of images fills. */
const MIN_SHARED_BYTES = 64 * MIB;
const GOOD_SHARED_BYTES = 1 * GIB;

/** Checks of memory and of what the system allows the ranks. */
export function judgeLimits(look: HostLook): readonly PreflightCheck[] {
  const memory = judgeMemory(look);
  return look.depth === 'quick'
    ? [memory]
    : [memory, judgeOpenFiles(look), judgeTasks(look), judgeSharedMemory(look), ...judgeZone(look)];
}

function judgeMemory({ host, memory }: HostLook): PreflightCheck {
  const { availableBytes, totalBytes, neededBytes } = memory;
  const what = `${showBytes(availableBytes)} of ${showBytes(totalBytes)} are available`;
  if (availableBytes >= neededBytes) return checked('memory', 'ok', { where: host, what });
  const isTooSmall = totalBytes < neededBytes;
  return checked('memory', 'fail', {
    where: host,
    what: `${what}, ${showBytes(neededBytes)} are needed`,
    fix: isTooSmall ? 'use hosts with more memory' : 'end what else uses memory on the host: ps aux --sort=-rss',
    fault: isTooSmall ? 'config' : 'host',
  });
}

function judgeOpenFiles({ host, openFiles, neededOpenFiles }: HostLook): PreflightCheck {
  if (openFiles === null) {
    return checked('open-files', 'skipped', { where: host, what: 'the limit cannot be read', fix: 'ulimit -n' });
  }
  const minimum = Math.max(MIN_OPEN_FILES, neededOpenFiles);
  const status = openFiles < minimum ? 'fail' : openFiles < GOOD_OPEN_FILES ? 'warn' : 'ok';
  return checked('open-files', status, {
    where: host,
    what: `a process may open ${openFiles} files`,
    ...(status === 'ok'
      ? {}
      : { fix: `raise the limit of the worker to 100000 (LimitNOFILE= of its service, or ulimit -n)` }),
  });
}

/** What is needed is an estimate, which may be several times too high. */
const TASKS_DOUBT = 4;

function judgeTasks({ host, tasks, neededTasks }: HostLook): PreflightCheck {
  if (tasks === null) return checked('tasks', 'ok', { where: host, what: 'processes and threads have no limit' });
  const { most, by } = tasks;
  const status = most < neededTasks / TASKS_DOUBT ? 'fail' : most < neededTasks ? 'warn' : 'ok';
  return checked('tasks', status, {
    where: host,
    what: `${most} processes and threads are allowed${status === 'ok' ? '' : `, about ${neededTasks} are needed`}`,
    ...(status === 'ok' ? {} : { fix: TASK_FIXES[by] }),
  });
}

const TASK_FIXES = {
  user: 'raise the limit of the worker (LimitNPROC= of its service, or ulimit -u)',
  cgroup: 'raise the limit of the group of processes (TasksMax= of the service; in a container: --pids-limit)',
} as const;

function judgeSharedMemory({ host, sharedMemory, neededSharedBytes }: HostLook): PreflightCheck {
  const where = `${host}: /dev/shm`;
  const fix = 'mount /dev/shm with more room; in a container: --shm-size=16g';
  if (isUnseen(sharedMemory)) {
    return checked('shared-memory', 'fail', { where, what: `it cannot be used: ${sharedMemory.unseen}`, fix });
  }
  const { totalBytes, freeBytes } = sharedMemory;
  const minimum = Math.max(MIN_SHARED_BYTES, neededSharedBytes);
  const status = freeBytes < minimum ? 'fail' : freeBytes < GOOD_SHARED_BYTES ? 'warn' : 'ok';
  const needed = status === 'fail' && neededSharedBytes > 0 ? `, ${showBytes(neededSharedBytes)} are needed` : '';
  return checked('shared-memory', status, {
    where,
    what: `${showBytes(freeBytes)} of ${showBytes(totalBytes)} are free${needed}`,
    ...(status === 'ok' ? {} : { fix }),
  });
}

/** Times of ranks are read by the worker: their zones must be one. */
function judgeZone({ host, zones }: HostLook): readonly PreflightCheck[] {
  if (zones === null) return [];
  if (isUnseen(zones)) {
    return [
      checked('time-zone', 'warn', {
        where: host,
        what: `the time zone of ranks is not known: ${zones.unseen}`,
        fix: 'look at TZ of the worker and of train.env',
      }),
    ];
  }
  const { ranks, worker } = zones;
  if (ranks === worker) return [checked('time-zone', 'ok', { where: host, what: `ranks and worker are at ${ranks}` })];
  return [
    checked('time-zone', 'fail', {
      where: host,
      what: `ranks would run at ${ranks}, the worker that reads their logs at ${worker}`,
      fix: 'remove TZ from train.env, or start the worker with the same TZ',
    }),
  ];
}
