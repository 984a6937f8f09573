import type { FleetState } from '../../schemas/host.js';
import { table } from './table.js';
import { showAgo } from './units.js';

/** What `temper hosts` shows. */
export function renderFleet(fleet: string, state: FleetState, nowMs: number): string {
  if (state.hosts.length === 0)
    return `fleet ${fleet} has no hosts; temper worker --role host --name NAME --scratch DIR adds one`;
  const aside = new Map((state.setAside ?? []).map((one) => [one.host, one]));
  const rows = state.hosts.map(({ name, address, labels, startedAt }) => {
    const lease = state.leases.find(({ hosts }) => hosts.includes(name));
    return [
      name,
      address,
      labels.join(',') || '-',
      [
        ...(lease === undefined ? [] : [`lease ${lease.lease}`]),
        aside.get(name)?.kind ?? (lease === undefined ? 'free' : ''),
      ]
        .filter((text) => text !== '')
        .join(', '),
      lease?.owner ?? '-',
      showAgo(startedAt, nowMs),
    ];
  });
  const waiting = state.waiting.map(
    ({ owner, count }) => `waiting: ${owner} for ${count} host${count === 1 ? '' : 's'}`,
  );
  const out = [...aside.values()].map(
    ({ host, kind, reason }) => `${host} is set aside (${kind}): ${reason}; ${comesBackBy(host, kind)}`,
  );
  return [table(['HOST', 'ADDRESS', 'LABELS', 'STATE', 'OWNER', 'ANNOUNCED'], rows), ...out, ...waiting].join('\n');
}

function comesBackBy(host: string, kind: string): string {
  return kind === 'unobserved' ? 'it is back when its worker is' : `temper uncordon ${host} takes it back`;
}
