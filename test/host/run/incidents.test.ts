import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readIncidents, recordIncident } from '../../../src/host/run/incidents.js';
import { IncidentSchema, type Incident } from '../../../src/schemas/incident.js';

const FIXTURE = new URL('../../fixtures/formats/incident/v1.json', import.meta.url);

let workspace = '';
beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), 'temper-incidents-'));
});
afterEach(() => rmSync(workspace, { recursive: true, force: true }));

function incident(id: string, over: Partial<Incident> = {}): Incident {
  return { ...IncidentSchema.parse(JSON.parse(readFileSync(FIXTURE, 'utf8'))), run: 'r', id, ...over };
}

describe('the incidents of a run', () => {
  it('are numbered in their order, each once however often it is recorded', async () => {
    expect(await recordIncident(workspace, incident('a-1', { resumedFrom: null }))).toBe(1);
    expect(await recordIncident(workspace, incident('a-2'))).toBe(2);
    expect(await recordIncident(workspace, incident('a-1', { resumedFrom: 40 }))).toBe(2);
    expect(await recordIncident(workspace, incident('b-1'))).toBe(3);
    expect(readdirSync(join(workspace, 'runs/r/incidents')).sort()).toEqual(['0001.json', '0002.json', '0003.json']);
    expect((await readIncidents(workspace, 'r')).map(({ id, resumedFrom }) => [id, resumedFrom])).toEqual([
      ['a-1', 40],
      ['a-2', 40],
      ['b-1', 40],
    ]);
  });

  it('are none before the first, and go on behind what others left there', async () => {
    expect(await readIncidents(workspace, 'r')).toEqual([]);
    mkdirSync(join(workspace, 'runs/r/incidents'), { recursive: true });
    writeFileSync(join(workspace, 'runs/r/incidents/notes.txt'), 'by hand');
    writeFileSync(join(workspace, 'runs/r/incidents/0007.json'), JSON.stringify(incident('old')));
    expect(await recordIncident(workspace, incident('new'))).toBe(2);
    expect(readdirSync(join(workspace, 'runs/r/incidents')).sort()).toEqual(['0007.json', '0008.json', 'notes.txt']);
  });
});
