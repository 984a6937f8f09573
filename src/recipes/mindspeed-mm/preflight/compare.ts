import type { PreflightCheck } from '../../../schemas/preflight.js';
import { some } from './devices.js';
import { TLS_FIX } from './judge-network.js';
import { checkedNpu } from './list.js';

/** What a host says about its devices; what it could not find out is left out. */
export type HostFact =
  | 'product'
  | 'devices'
  | 'driver'
  | 'firmware'
  | 'tls'
  | 'links'
  | 'superPod'
  | 'serverIndex'
  | 'sdid';
type FactsByHost = ReadonlyMap<string, Readonly<Partial<Record<HostFact, string>>>>;

/**
 * What must be equal on all hosts, and what no two of them may share. Versions of hosts that were not asked now may have
 * changed; their places have not.
 */
export function compareHosts(facts: FactsByHost, others: FactsByHost): readonly PreflightCheck[] {
  return [
    equal(facts, 'npu/same-devices', ['product', 'devices'], {
      well: 'products and numbers of devices are the same',
      fix: 'train on hosts of one product, all with their whole number of devices',
    }),
    equal(facts, 'npu/same-versions', ['driver', 'firmware'], {
      well: 'driver and firmware are the same',
      fix: 'install the same driver and firmware on the named hosts',
    }),
    equal(facts, 'npu/same-tls', ['tls'], {
      well: 'the TLS switch is the same',
      fix: TLS_FIX,
    }),
    ...superPods(new Map([...others, ...facts])),
  ];
}

interface Words {
  readonly well: string;
  readonly fix: string;
}

function equal(
  facts: FactsByHost,
  id: 'npu/same-devices' | 'npu/same-versions' | 'npu/same-tls',
  names: readonly HostFact[],
  { well, fix }: Words,
): PreflightCheck {
  const where = some([...facts.keys()]);
  const told = names.filter((name) => [...facts.values()].filter((one) => one[name] !== undefined).length > 1);
  if (told.length === 0) {
    return checkedNpu(id, 'skipped', { where, what: `fewer than two hosts could tell ${names.join(' and ')}`, fix });
  }
  const differences = told.flatMap((name) => difference(facts, name));
  if (differences.length === 0) return checkedNpu(id, 'ok', { where, what: well });
  return checkedNpu(id, 'fail', { where, what: differences.join('; '), fix });
}

/** `driver: h1, h2 25.3, h3 25.2` when hosts that tell it differ, the most common value first. */
function difference(facts: FactsByHost, name: HostFact): string[] {
  const hosts = grouped(facts, (one) => one[name]);
  if (hosts.size < 2) return [];
  const parts = [...hosts].toSorted(([, a], [, b]) => b.length - a.length);
  return [`${name}: ${parts.map(([value, of]) => `${some(of)} ${value}`).join(', ')}`];
}

function superPods(facts: FactsByHost): readonly PreflightCheck[] {
  const pods = grouped(facts, ({ superPod }) => superPod);
  if (pods.size === 0) return [];
  const where = some([...facts.keys()]);
  const twice = (name: 'serverIndex' | 'sdid'): string[] =>
    [
      ...grouped(facts, (one) =>
        one[name] === undefined ? undefined : `${name} ${one[name]} of super pod ${one.superPod}`,
      ),
    ]
      .filter(([, hosts]) => hosts.length > 1)
      .map(([place, hosts]) => `${some(hosts)} claim ${place}`);
  const doubled = [...twice('serverIndex'), ...twice('sdid')];
  if (doubled.length > 0) {
    return [
      checkedNpu('npu/super-pods', 'fail', {
        where,
        what: doubled.join('; '),
        fix: 'give each server its own index and each super pod its own id in the BMC; after an exchange of hardware they are those of the factory',
      }),
    ];
  }
  const told = [...pods].map(([pod, hosts]) => `${pod} (${some(hosts)})`).join(', ');
  const unlinked = [...facts].filter(([, { links }]) => links === 'down').map(([host]) => host);
  if (pods.size > 1 && unlinked.length > 0) {
    return [
      checkedNpu('npu/super-pods', 'fail', {
        where,
        what: `the hosts are in super pods ${told}, and the links of ${some(unlinked)} are down`,
        why: 'super pods reach each other over these links only',
        fix: 'repair the links, or train on hosts of one super pod',
      }),
    ];
  }
  return [checkedNpu('npu/super-pods', 'ok', { where, what: `places are unique; super pods ${told}` })];
}

/** Hosts by a value; those that do not have one are left out. */
function grouped(
  facts: FactsByHost,
  valueOf: (facts: Readonly<Partial<Record<HostFact, string>>>) => string | undefined,
): ReadonlyMap<string, readonly string[]> {
  const hosts = new Map<string, string[]>();
  for (const [host, one] of facts) {
    const value = valueOf(one);
    if (value !== undefined) hosts.set(value, [...(hosts.get(value) ?? []), host]);
  }
  return hosts;
}
