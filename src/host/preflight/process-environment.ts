import { readFileSync } from 'node:fs';

/** The environment that a process was started with; empty when it ended or belongs to another user. */
export function environmentOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
  } catch {
    return [];
  }
}

/** Value of a variable in such an environment, or null. */
export function entryOf(environment: readonly string[], name: string): string | null {
  return environment.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1) ?? null;
}
