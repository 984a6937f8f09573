import type { HostFacts, PreflightCheck } from '../../schemas/preflight.js';
import { isOwnMachine } from '../own-machine.js';
import { checked } from './list.js';
import { someNames } from '../text/some-names.js';

/** Names that a sentence can hold. */
const MOST_NAMES = 4;

/** What only the facts of several hosts together tell. */
export function judgeFleet(facts: readonly HostFacts[]): readonly PreflightCheck[] {
  return [...judgeVersions(facts), ...judgeZones(facts), ...judgeAddresses(facts)];
}

function judgeVersions(facts: readonly HostFacts[]): readonly PreflightCheck[] {
  const where = namesOf(facts);
  const temper = differing(facts, ({ temper }) => temper);
  const node = differing(facts, ({ node }) => node);
  // A host that never proved its software has no lock yet; the launch proves it and compares then.
  const known = facts.filter(({ environment }) => environment !== null);
  const locks = lockDifferences(known);
  const failed = [...(temper === null ? [] : [`Temper: ${temper}`]), ...locks];
  if (failed.length > 0) {
    return [
      checked('versions', 'fail', {
        where,
        what: failed.slice(0, 5).join('; '),
        fix: 'install the same versions on the named hosts',
      }),
    ];
  }
  if (node !== null) {
    return [
      checked('versions', 'warn', {
        where,
        what: `Node: ${node}`,
        why: 'it runs keepers and workers, not ranks',
        fix: 'install the same Node on all hosts',
      }),
    ];
  }
  return [checked('versions', 'ok', { where, what: 'Temper, Node and the environment of ranks are the same' })];
}

/** `torch: h1, h2 2.7.1, h3 2.7.0` for each package that differs. */
function lockDifferences(known: readonly HostFacts[]): string[] {
  const names = new Set(known.flatMap(({ environment }) => Object.keys(environment?.lock ?? {})));
  return [...names].sort().flatMap((name) => {
    const told = differing(known, ({ environment }) => environment?.lock[name] ?? 'absent');
    return told === null ? [] : [`${name}: ${told}`];
  });
}

function judgeZones(facts: readonly HostFacts[]): readonly PreflightCheck[] {
  const where = namesOf(facts);
  const known = facts.filter(({ zone }) => zone !== null);
  const told = differing(known, ({ zone }) => zone ?? '');
  if (told === null)
    return [checked('time-zones', 'ok', { where, what: 'ranks of all hosts have the same time zone' })];
  return [
    checked('time-zones', 'fail', {
      where,
      what: `ranks have different time zones: ${told}`,
      fix: 'set the same time zone on all hosts: timedatectl set-timezone Etc/UTC',
    }),
  ];
}

/** A host as it announced itself. */
type Announced = Pick<HostFacts, 'host' | 'machineId' | 'address'>;

const ADDRESS_FIX = 'start each worker with the address of its training interface: temper worker --train-address IP';

/** Fails where two machines announced one address: a rank that connects there reaches either of them. */
export function judgeTwins(hosts: readonly Announced[]): readonly PreflightCheck[] {
  const twins = hosts.filter(
    (one) =>
      !isOwnMachine(one.address) &&
      hosts.some((other) => other.address === one.address && other.machineId !== one.machineId),
  );
  if (twins.length === 0) return [];
  return [
    checked('addresses', 'fail', {
      where: namesOf(twins),
      what: `different machines announced one address: ${someNames(
        twins.map(({ host, address }) => `${host} ${address}`),
        MOST_NAMES,
      )}`,
      fix: ADDRESS_FIX,
    }),
  ];
}

function judgeAddresses(facts: readonly HostFacts[]): readonly PreflightCheck[] {
  const where = namesOf(facts);
  const machines = new Set(facts.map(({ machineId }) => machineId));
  if (machines.size > 1) {
    const loopback = facts.filter(({ address }) => isOwnMachine(address));
    if (loopback.length > 0) {
      return [
        checked('addresses', 'fail', {
          where,
          what: `${someNames(
            loopback.map(({ host }) => host),
            MOST_NAMES,
          )} announced a loopback address, and the hosts are ${machines.size} machines`,
          fix: ADDRESS_FIX,
        }),
      ];
    }
  }
  const twins = judgeTwins(facts);
  if (twins.length > 0) return twins;
  return [checked('addresses', 'ok', { where, what: 'each machine has an address of its own' })];
}

/** `h1, h2 A, h3 B` when the values differ, the most common one first; null when they are the same. */
function differing(facts: readonly HostFacts[], valueOf: (facts: HostFacts) => string): string | null {
  const byValue = new Map<string, string[]>();
  for (const one of facts) byValue.set(valueOf(one), [...(byValue.get(valueOf(one)) ?? []), one.host]);
  if (byValue.size <= 1) return null;
  return [...byValue]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([value, hosts]) => `${someNames(hosts, MOST_NAMES)} ${value}`)
    .join(', ');
}

function namesOf(facts: readonly Announced[]): string {
  return someNames(
    facts.map(({ host }) => host),
    MOST_NAMES,
  );
}
