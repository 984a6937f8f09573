import type { PreflightCheck } from '../../../schemas/preflight.js';
import type { SeenProcess } from '../../preflight.js';
import type { Chip, DeviceProcess, DeviceTable } from './device-table.js';
import { some } from './devices.js';
import type { DeviceFacts } from './judge-devices.js';
import { checkedNpu } from './list.js';

/** A process on a device, with what this host knows about it; null: it is not seen from here. */
interface User {
  readonly held: DeviceProcess;
  readonly seen: SeenProcess | null;
}

/**
 * Who else uses the devices: owners are named, and nothing is ended. Answers as well which chips a training of Temper
 * uses, which is right while nothing is launched.
 */
export function judgeProcesses(
  table: DeviceTable,
  chips: readonly Chip[],
  { host, isLaunch, sight }: DeviceFacts,
): readonly [ReadonlySet<Chip>, PreflightCheck] {
  const found = chips.flatMap((chip) =>
    table.processes
      .filter((held) => held.npu === chip.npu && held.chip === chip.chip)
      .map((held): User & { readonly chip: Chip } => ({ chip, held, seen: seenAs(held, sight.processes) })),
  );
  const isAtWork = ({ seen }: User): boolean => !isLaunch && seen !== null && seen.keeper !== null;
  const busy = new Set(found.filter(isAtWork).map(({ chip }) => chip));
  return [
    busy,
    judge(
      found.filter((one) => !isAtWork(one)),
      busy.size,
      host,
    ),
  ];
}

/** A pid of another process namespace may be that of another process here: then the names differ. */
function seenAs({ pid, name }: DeviceProcess, processes: ReadonlyMap<number, SeenProcess>): SeenProcess | null {
  const seen = processes.get(pid);
  if (seen === undefined) return null;
  // Both cut names, at different lengths.
  const isSame = name === '' || seen.name.startsWith(name) || name.startsWith(seen.name);
  return isSame ? seen : null;
}

function judge(users: readonly (User & { readonly chip: Chip })[], busy: number, host: string): PreflightCheck {
  if (users.length === 0) {
    const what = busy === 0 ? 'nobody uses the devices' : `a training of Temper uses ${busy} devices, nobody else does`;
    return checkedNpu('npu/processes', 'ok', { where: host, what });
  }
  const foreign = users.filter(({ seen }) => seen !== null && seen.keeper === null);
  const [first] = foreign;
  return checkedNpu('npu/processes', 'fail', {
    where: host,
    what: some([...foreign, ...users.filter((one) => !foreign.includes(one))].map(tell)),
    fix:
      first === undefined
        ? 'end them where they run (another container, or another worker), then look again'
        : `ask ${first.seen?.user ?? 'the owner'} to end ${first.held.pid}, or take the host out: temper cordon ${host} --reason TEXT; Temper never ends processes that are not its own`,
    // What nobody sees may have ended just now, and what is Temper's own is swept: both deserve a second look.
    fault: first === undefined ? 'leftover' : 'host',
  });
}

function tell({ chip, held, seen }: User & { readonly chip: Chip }): string {
  const { pid, name, memoryMb } = held;
  const owner =
    seen === null
      ? 'not seen from here: in another container, or ended just now'
      : seen.keeper === null
        ? `user ${seen.user}`
        : `Temper's own, ${seen.keeper}`;
  const called = [name, seen?.name].find((one) => one !== undefined && one !== '') ?? 'no name';
  return `device ${chip.physicalId}: ${pid} ${called} (${owner}), ${memoryMb} MB`;
}
