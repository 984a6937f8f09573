import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../system-error.js';
import { compareFences } from '../../domain/gang/fence.js';
import type { FenceOrder } from '../../domain/gang/fence.js';

/** The newest attempt that this host has seen, of all runs. */
export function hostFenceFile(scratch: string): string {
  return join(scratch, 'fence.json');
}

/**
 * Whether this host has seen a newer attempt. Asked by a keeper that holds its lock and has not started its command:
 * whoever raises the host's fence looks for keepers afterwards, so either that one sees this keeper, or this keeper
 * sees the fence. Throws when the file is damaged.
 */
export function isFencedOff(scratch: string, own: FenceOrder): boolean {
  const path = hostFenceFile(scratch);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
  const value: unknown = JSON.parse(text);
  if (typeof value === 'object' && value !== null && 'v' in value && 'lease' in value && 'attempt' in value) {
    const { v, lease, attempt } = value;
    if (v === 1 && typeof lease === 'number' && typeof attempt === 'number') {
      return compareFences({ lease, attempt }, own) > 0;
    }
  }
  throw new Error(`${path} does not have the form that Temper writes`);
}
