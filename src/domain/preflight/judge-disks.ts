import type { PreflightCheck } from '../../schemas/preflight.js';
import { assertNever } from '../assert-never.js';
import { showBytes } from '../text/show-bytes.js';
import { checked, type CheckId } from './list.js';
import { isUnseen, type DiskLook, type HostLook, type WorkspaceLook } from './look.js';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/** Keepers and logs of an attempt need some megabytes; below a gigabyte a chatty training fills it in a day. */
const MIN_SCRATCH_BYTES = 100 * MIB;
const GOOD_SCRATCH_BYTES = 1 * GIB;
/** An attempt makes some files per rank, a checkpoint one per rank. */
const MIN_INODES = 1_000;
const GOOD_INODES = 10_000;
/** Slower than one old disk: a save of a model of 100 GB would take most of an hour. */
const SLOW_BYTES_PER_SECOND = 50 * MIB;

/** Checks of scratch and workspace. */
export function judgeDisks(look: HostLook): readonly PreflightCheck[] {
  return [...judgeScratch(look), ...judgeWorkspace(look)];
}

function judgeScratch({ host, scratch, scratchWrite }: HostLook): readonly PreflightCheck[] {
  const fix = 'remove what is not needed any more under the scratch folder, such as old keepers';
  if (isUnseen(scratch)) {
    return [checked('scratch-disk', 'fail', { where: host, what: `scratch cannot be used: ${scratch.unseen}`, fix })];
  }
  const where = `${host}: ${scratch.path}`;
  const { freeBytes } = scratch;
  const status = freeBytes < MIN_SCRATCH_BYTES ? 'fail' : freeBytes < GOOD_SCRATCH_BYTES ? 'warn' : 'ok';
  return [
    checked('scratch-disk', status, {
      where,
      what: `${showBytes(freeBytes)} are free`,
      ...(status === 'ok' ? {} : { fix }),
    }),
    judgeInodes('scratch-inodes', where, scratch),
    ...(scratchWrite === null
      ? []
      : [
          'refused' in scratchWrite
            ? checked('scratch-write', 'fail', {
                where,
                what: `a file of ${showBytes(scratchWrite.bytes)} cannot be written: ${scratchWrite.refused}`,
                fix: 'look at the quota of the user and at the health of the disk',
              })
            : checked('scratch-write', 'ok', {
                where,
                what: `${showBytes(scratchWrite.bytes)} were written and removed`,
              }),
        ]),
  ];
}

function judgeWorkspace(look: HostLook): readonly PreflightCheck[] {
  const { host, workspace, workspacePath, neededBytes, reserved } = look;
  if (workspace === null || workspacePath === null) {
    return [
      checked('workspace', 'skipped', {
        where: host,
        what: 'no workspace is named',
        fix: 'name the spec: temper doctor --spec FILE',
      }),
    ];
  }
  const where = `${host}: ${workspacePath}`;
  const usable = judgeUsable(workspace, where, look.isLaunch);
  if (workspace.state !== 'usable') return [usable];
  const { disk } = workspace;
  const isEnough = disk.freeBytes >= Math.max(neededBytes, 1);
  const refused = reserved !== null && 'refused' in reserved ? reserved.refused : null;
  return [
    usable,
    checked('workspace-disk', isEnough && refused === null ? 'ok' : 'fail', {
      where,
      what: `${showBytes(disk.freeBytes)} are free, ${showBytes(neededBytes)} are needed${refused === null ? '' : `, and a file of so many bytes is refused: ${refused}`}`,
      ...(isEnough && refused === null
        ? {}
        : {
            fix: `${refused === null ? '' : 'look at the quota of the user and of the folder, '}free space in the workspace, or keep fewer checkpoints (train.checkpoint.keep)`,
          }),
    }),
    judgeInodes('workspace-inodes', where, disk),
    ...judgeBandwidth(look, where),
  ];
}

function judgeUsable(workspace: WorkspaceLook, where: string, isLaunch: boolean): PreflightCheck {
  switch (workspace.state) {
    case 'usable':
      return checked('workspace', 'ok', { where, what: 'a file was written, read back and removed' });
    case 'missing':
      return checked('workspace', isLaunch ? 'fail' : 'warn', {
        where,
        what: `the folder does not exist; it would be made in ${workspace.parent}`,
        fix: 'mount the shared file system there, or make the folder on every host',
      });
    case 'hangs':
      return checked('workspace', 'fail', {
        where,
        what: `the file system does not answer within ${workspace.limitMs / 1000} s`,
        fix: 'look at the mount and its server: stat -f PATH',
      });
    case 'refused':
      return checked('workspace', 'fail', {
        where,
        what: `${workspace.step} was refused: ${workspace.why}`,
        fix: 'make the folder writable for the user of the worker, on every host',
      });
    default:
      return assertNever(workspace);
  }
}

function judgeBandwidth({ depth, bandwidth }: HostLook, where: string): readonly PreflightCheck[] {
  if (depth === 'quick' || bandwidth === null) return [];
  if (isUnseen(bandwidth)) {
    return [
      checked('workspace-bandwidth', 'fail', {
        where,
        what: `a file could not be written and read back: ${bandwidth.unseen}`,
        fix: 'look at the quota of the user and at the health of the file server',
      }),
    ];
  }
  const { writeBytesPerSecond: write, readBytesPerSecond: read, isReadCached } = bandwidth;
  const isSlow = write < SLOW_BYTES_PER_SECOND || read < SLOW_BYTES_PER_SECOND;
  return [
    checked('workspace-bandwidth', isSlow ? 'warn' : 'ok', {
      where,
      what: `${showBytes(write)}/s written, ${showBytes(read)}/s read${isReadCached ? ' (from its cache)' : ''}`,
      ...(isSlow
        ? { fix: 'temper plan FILE tells what saves cost at this rate; save less often, or use another file system' }
        : {}),
    }),
  ];
}

function judgeInodes(
  id: Extract<CheckId, `${string}-inodes`>,
  where: string,
  { freeInodes }: DiskLook,
): PreflightCheck {
  if (freeInodes === null) return checked(id, 'skipped', { where, what: 'the file system does not count inodes' });
  const status = freeInodes < MIN_INODES ? 'fail' : freeInodes < GOOD_INODES ? 'warn' : 'ok';
  return checked(id, status, {
    where,
    what: `${freeInodes} inodes are free`,
    ...(status === 'ok' ? {} : { fix: 'remove small files: df -i PATH' }),
  });
}
