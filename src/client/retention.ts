import { TemperError } from '../domain/errors.js';
import { CollectReportSchema, type CollectReport, type RetentionPolicy } from '../schemas/retention.js';
import type { TemperClient } from './connect.js';
import { getFleet } from './fleet.js';
import { collectOnHost } from './host-call.js';
import { knownPlaces, type Place } from './models.js';

/** Removes what retention does not keep, in one workspace or in all that schedules and recent runs use. */
export async function collect(
  client: TemperClient,
  place: Place | null,
  policy: RetentionPolicy,
  isDryRun: boolean,
): Promise<CollectReport[]> {
  const reports: CollectReport[] = [];
  for (const one of place === null ? await knownPlaces(client) : [place])
    reports.push(await collectIn(client, one, policy, isDryRun));
  return reports;
}

async function collectIn(
  client: TemperClient,
  { workspace, fleet }: Place,
  policy: RetentionPolicy,
  isDryRun: boolean,
): Promise<CollectReport> {
  const { heartbeatIntervalMs } = client.target.timing;
  const call = { v: 1 as const, workspace, policy, isDryRun, heartbeatIntervalMs };
  let last = new TemperError('NoHosts', { where: `fleet ${fleet}`, what: 'no host worker has registered' });
  for (const { name } of (await getFleet(client, fleet)).hosts) {
    try {
      return CollectReportSchema.parse(await collectOnHost(client, fleet, name, call));
    } catch (error) {
      if (!(error instanceof TemperError) || error.problem.code !== 'HostUnreachable') throw error;
      last = error;
    }
  }
  throw last;
}
