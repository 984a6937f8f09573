import Table from 'cli-table3';
import type { Incident } from '../../../src/schemas/incident.js';
import type { Disturbance } from './soak.js';

/** Faults, reactions and recovery times; times in ms as the incidents tell them. */
export function soakTable(faults: readonly Disturbance[], incidents: readonly Incident[], ettr: number | null): string {
  const table = new Table({
    head: ['fault', 'iteration', 'cause', 'reaction', 'detect', 'stop', 'relaunch', 'first step', 'steps lost'],
    style: { head: [], border: [] },
  });
  const left = [...incidents];
  for (const { strike, iteration, cause } of faults) {
    const incident = cause === null ? undefined : left.shift();
    if (incident === undefined) {
      table.push([strike, iteration, '-', 'goes on', '-', '-', '-', '-', '-']);
      continue;
    }
    const { verdict, reaction, detectMs, stopMs, relaunchMs, firstIterationMs, stepsLost } = incident;
    const times = [detectMs, stopMs, relaunchMs, firstIterationMs, stepsLost].map((value) => value ?? '?');
    table.push([strike, iteration, verdict.cause, reaction, ...times]);
  }
  const goodput = ettr === null ? '' : `\ngoodput ${Math.round(ettr * 100)} %`;
  return `${table.toString()}${goodput}`;
}
