import type { FleetState } from '../../schemas/host.js';
import { table } from './table.js';
import { showAgo } from './units.js';

/** What `temper hosts` shows. */
export function renderFleet(fleet: string, state: FleetState, nowMs: number): string {
  if (state.hosts.length === 0)
    return `fleet ${fleet} has no hosts; temper worker --role host --name NAME --scratch DIR adds one`;
  const rows = state.hosts.map(({ name, address, labels, startedAt }) => {
    const lease = state.leases.find(({ hosts }) => hosts.includes(name));
    return [
      name,
      address,
      labels.join(',') || '-',
      lease === undefined ? 'free' : `lease ${lease.lease}`,
      lease?.owner ?? '-',
      showAgo(startedAt, nowMs),
    ];
  });
  const waiting = state.waiting.map(
    ({ owner, count }) => `waiting: ${owner} for ${count} host${count === 1 ? '' : 's'}`,
  );
  return [table(['HOST', 'ADDRESS', 'LABELS', 'STATE', 'OWNER', 'ANNOUNCED'], rows), ...waiting].join('\n');
}
