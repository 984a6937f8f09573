import { TemperError } from '../domain/errors.js';
import { inParallel } from '../domain/in-parallel.js';
import { RenderAnswerSchema, type RenderAnswer } from '../schemas/render.js';
import { readPlaces } from './checkpoints.js';
import type { TemperClient } from './connect.js';
import { getFleet } from './fleet.js';
import { callAnyHost, hostCall } from './host-call.js';
import { getRunStatus } from './run-status.js';

/** What the scripts of a run are made from: one answer for each host of its gang, by node rank. */
export interface RunFacts {
  readonly run: string;
  readonly hosts: readonly { readonly address: string; readonly answer: RenderAnswer }[];
}

/** Asks the hosts of a run's newest gang; before the first attempt, the first hosts of its fleet. */
export async function readRunFacts(client: TemperClient, run: string): Promise<RunFacts> {
  const { workflowId, workflowRunId } = await getRunStatus(client, run);
  const { workspace, fleet, hosts: count } = await readPlaces(client, workflowId, workflowRunId);
  const { hosts } = await getFleet(client, fleet);
  const call = { v: 1, op: 'render', workspace, run } as const;
  const names = hosts.map(({ name }) => name);
  const first = RenderAnswerSchema.parse(await callAnyHost(client, fleet, names, call));
  const gang = first.gang.length > 0 ? first.gang : names.slice(0, count);
  if (gang.length < count)
    throw new TemperError('NoHosts', {
      where: `fleet ${fleet}`,
      what: `${run} needs ${count} hosts, ${gang.length} are there`,
    });
  const answers = await inParallel(gang, async (name) => {
    const address = hosts.find((host) => host.name === name)?.address;
    if (address === undefined)
      throw new TemperError('HostUnreachable', { where: name, what: 'a host of the run is no longer in its fleet' });
    return { address, answer: RenderAnswerSchema.parse(await hostCall(client, fleet, name, call)) };
  });
  return { run, hosts: answers };
}
