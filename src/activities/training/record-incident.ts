import { recordIncident as writeIncident } from '../../host/run/incidents.js';
import type { IncidentAnswer, RecordIncidentCall } from '../../schemas/stage-calls.js';

/** Writes an incident into the run's folder, or what became known of it since. */
export async function recordIncident({ workspace, incident }: RecordIncidentCall): Promise<IncidentAnswer> {
  return { v: 1, incidents: await writeIncident(workspace, incident) };
}
