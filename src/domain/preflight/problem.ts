import type { CheckFault, PreflightCheck } from '../../schemas/preflight.js';
import type { Problem } from '../../schemas/problem.js';
import { problem, type ErrorCode } from '../errors.js';
import { someNames } from '../text/some-names.js';

/** A check with the host that it failed on; null when it is about several. */
export interface FoundCheck {
  readonly host: string | null;
  readonly check: PreflightCheck;
}

/** What comes first when several checks failed: what no restart cures, then what needs another host, then the rest. */
const GRAVITY: readonly CheckFault[] = ['fenced', 'config', 'unkillable', 'host', 'leftover'];

const CODES = {
  fenced: 'FencedOff',
  config: 'PreflightFailed',
  unkillable: 'HostUnkillable',
  host: 'HostUnfit',
  leftover: 'HostOccupied',
} as const satisfies Record<CheckFault, ErrorCode>;

/**
 * The failure of a launch from its failed checks; null when none failed. What is wrong on most of the hosts is not the
 * hosts' fault: another host would not help.
 */
export function preflightFailure(
  found: readonly FoundCheck[],
  hosts: number,
): { readonly host: string | null; readonly problem: Problem } | null {
  const failed = found.filter(({ check }) => check.status === 'fail').map((one) => withFault(one, found, hosts));
  const first = failed.toSorted((a, b) => GRAVITY.indexOf(a.check.fault) - GRAVITY.indexOf(b.check.fault))[0];
  if (first === undefined) return null;
  const { check, host } = first;
  const others = failed.length - 1;
  return {
    host,
    problem: problem(CODES[check.fault], {
      where: check.where,
      what: `${check.id}: ${check.what}${others === 0 ? '' : ` (failed as well: ${namesOf(failed.filter((one) => one !== first))})`}`,
      ...(check.why === undefined ? {} : { why: check.why }),
      ...(check.fix === undefined ? {} : { fix: check.fix }),
    }),
  };
}

function withFault({ host, check }: FoundCheck, all: readonly FoundCheck[], hosts: number): FoundCheck {
  if (check.fault !== 'host') return { host, check };
  const alike = new Set(
    all.filter((one) => one.check.id === check.id && one.check.status === 'fail').map((one) => one.host),
  );
  // One of two may be that host; two of two are not.
  return alike.size >= 2 && alike.size > hosts / 2 ? { host, check: { ...check, fault: 'config' } } : { host, check };
}

/** Not as evidence of the problem: that is for lines of logs. */
function namesOf(found: readonly FoundCheck[]): string {
  const names = found.map(({ host, check }) => (host === null ? check.id : `${check.id} on ${host}`));
  return someNames(names, 6);
}
