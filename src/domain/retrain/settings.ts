import { parseDocument } from 'yaml';
import type { RetrainInput } from '../../schemas/retrain.js';
import type { SettingChange } from '../../schemas/schedule.js';
import { canonicalJson } from '../canonical.js';

/** What differs between two inputs of a schedule, field by field; null is a schedule that is not there yet. */
export function settingChanges(before: RetrainInput | null, after: RetrainInput): SettingChange[] {
  const [old, fresh] = [before === null ? new Map<string, string>() : settingsOf(before), settingsOf(after)];
  const fields = [...new Set([...fresh.keys(), ...old.keys()])];
  return (
    fields
      .map((field) => ({ field, from: old.get(field) ?? null, to: fresh.get(field) ?? null }))
      .filter(({ from, to }) => from !== to)
      // Timers come from where the schedule is applied: worth telling only when they change.
      .filter(({ field }) => before !== null || !field.startsWith('timing.'))
  );
}

function settingsOf(input: RetrainInput): Map<string, string> {
  const { specText, when, schedule: _schedule, v: _version, timing, ...rest } = input;
  const { evaluationMs, leaseWaitMs, approvalMs, ...others } = rest;
  const settings = new Map<string, string>();
  flatten('schedule', when, settings);
  for (const [name, value] of Object.entries(others)) set(name, value, settings);
  // As the schedule file names them.
  setTime('evaluationTimeout', evaluationMs, settings);
  setTime('waitForHosts', leaseWaitMs, settings);
  setTime('approval', approvalMs, settings);
  flatten('timing', timing, settings);
  flatten('spec', parseDocument(specText).toJS(), settings);
  return settings;
}

function flatten(path: string, value: unknown, into: Map<string, string>): void {
  if (typeof value === 'object' && value !== null && Object.keys(value).length > 0) {
    for (const [key, member] of Object.entries(value)) flatten(`${path}.${key}`, member, into);
  } else set(path, value, into);
}

/** What is not set is no setting; times are told in seconds. */
function set(path: string, value: unknown, into: Map<string, string>): void {
  if (value === undefined || value === null) return;
  if (path.endsWith('Ms') && typeof value === 'number') setTime(path.slice(0, -2), value, into);
  else into.set(path, typeof value === 'string' ? value : canonicalJson(value));
}

function setTime(path: string, ms: number | null | undefined, into: Map<string, string>): void {
  if (typeof ms === 'number') into.set(path, `${ms / 1_000} s`);
}
