import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { attemptFolder, attemptOfFolder } from '../../domain/ids.js';
import { IncidentSchema, type Incident } from '../../schemas/incident.js';
import { readJsonFile, writeJsonFile } from '../json-file.js';
import { makeFolder } from '../make-folder.js';
import { runDir } from './run-folder.js';

/**
 * Writes an incident into the run's folder under its own number, or again over its earlier record, which is found by
 * the id: a repeated activity makes no second one. Answers how many incidents the run has had.
 */
export async function recordIncident(workspace: string, incident: Incident): Promise<number> {
  const dir = incidentsDir(workspace, incident.run);
  await makeFolder(dir);
  const numbers = await numbersIn(dir);
  const known = await findNumber(dir, numbers, incident.id);
  const number = known ?? Math.max(0, ...numbers) + 1;
  await writeJsonFile(fileOf(dir, number), incident);
  return known === null ? numbers.length + 1 : numbers.length;
}

/** All incidents of a run, oldest first. */
export async function readIncidents(workspace: string, run: string): Promise<Incident[]> {
  const dir = incidentsDir(workspace, run);
  const incidents: Incident[] = [];
  for (const number of await numbersIn(dir)) {
    const incident = await readJsonFile(fileOf(dir, number), IncidentSchema);
    if (incident !== null) incidents.push(incident);
  }
  return incidents;
}

function incidentsDir(workspace: string, run: string): string {
  return join(runDir(workspace, run), 'incidents');
}

/** `0001.json`: numbered like attempts. */
function fileOf(dir: string, number: number): string {
  return join(dir, `${attemptFolder(number)}.json`);
}

/** The one with an id is most likely the newest. */
async function findNumber(dir: string, numbers: readonly number[], id: string): Promise<number | null> {
  for (const number of numbers.toReversed()) {
    const incident = await readJsonFile(fileOf(dir, number), IncidentSchema);
    if (incident?.id === id) return number;
  }
  return null;
}

async function numbersIn(dir: string): Promise<number[]> {
  const names = await readdir(dir).catch(() => []);
  return names
    .filter((name) => name.endsWith('.json'))
    .map((name) => attemptOfFolder(name.slice(0, -'.json'.length)))
    .filter((number) => number !== null)
    .sort((a, b) => a - b);
}
