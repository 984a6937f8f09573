import { parseDocument } from 'yaml';
import { TemperError } from '../domain/errors.js';
import { textsIn } from '../domain/text/texts-in.js';
import {
  CollectReportSchema,
  CopiesAnswerSchema,
  type Collected,
  type CollectReport,
  type RetentionPolicy,
} from '../schemas/retention.js';
import type { TemperClient } from './connect.js';
import { getFleet } from './fleet.js';
import { collectOnHost, hostCall } from './host-call.js';
import { knownPlaces } from './models.js';
import { askPlaces, type OnSilence, type Place } from './places.js';
import { appliedInputs } from './schedules/apply.js';

/** Removes what retention does not keep, in one workspace or in all that schedules and recent runs use. */
export async function collect(
  client: TemperClient,
  place: Place | null,
  policy: RetentionPolicy,
  isDryRun: boolean,
  onSilence: OnSilence = () => undefined,
): Promise<CollectReport[]> {
  const collectOne = (one: Place): Promise<CollectReport> => collectIn(client, one, policy, isDryRun);
  return place === null ? askPlaces(await knownPlaces(client), collectOne, onSilence) : [await collectOne(place)];
}

async function collectIn(
  client: TemperClient,
  { workspace, fleet }: Place,
  policy: RetentionPolicy,
  isDryRun: boolean,
): Promise<CollectReport> {
  const { heartbeatIntervalMs } = client.target.timing;
  const schedules = (await appliedInputs(client)).map(({ schedule, specText, inputs, evaluation }) => ({
    name: schedule,
    texts: textsIn([parseDocument(specText).toJS(), inputs, evaluation]).filter((text) => text.includes('/')),
  }));
  const call = { v: 1 as const, workspace, policy, isDryRun, heartbeatIntervalMs, schedules };
  let last = new TemperError('NoHosts', { where: `fleet ${fleet}`, what: 'no host worker has registered' });
  const hosts = (await getFleet(client, fleet)).hosts.map(({ name }) => name);
  for (const name of hosts) {
    try {
      const report = CollectReportSchema.parse(await collectOnHost(client, fleet, name, call));
      return withCopies(report, await collectCopies(client, fleet, hosts, report));
    } catch (error) {
      if (!(error instanceof TemperError) || error.problem.code !== 'HostUnreachable') throw error;
      last = error;
    }
  }
  throw last;
}

/** The copies of weights on the hosts' own disks, which go with what they are copies of. */
async function collectCopies(
  client: TemperClient,
  fleet: string,
  hosts: readonly string[],
  { workspace, isDryRun, items }: CollectReport,
): Promise<Collected[]> {
  const going = isDryRun ? items.filter(({ kind }) => kind === 'output').map(({ name }) => name) : [];
  const ask = async (host: string): Promise<Collected[]> => {
    const call = { v: 1 as const, op: 'collectCopies' as const, workspace, going, isDryRun };
    const answer = CopiesAnswerSchema.parse(await hostCall(client, fleet, host, call));
    return answer.items.map((item) => ({ ...item, name: `${host}:${item.name}` }));
  };
  // A host that does not answer keeps its copies until it is asked again, or until another training takes it.
  return (await Promise.all(hosts.map((host) => ask(host).catch(() => [])))).flat();
}

function withCopies(report: CollectReport, copies: readonly Collected[]): CollectReport {
  const bytes = copies.reduce((sum, copy) => sum + copy.bytes, 0);
  return {
    ...report,
    totalBytes: report.totalBytes + bytes,
    freedBytes: report.freedBytes + bytes,
    count: report.count + copies.length,
    items: [...copies, ...report.items],
  };
}
