import { assertNever } from '../../../domain/assert-never.js';
import type { Part } from './differences.js';

const GB = 1_000_000_000;

/**
 * Bytes that an installation step may write, generously: all of them together are 20 GB. Checkouts come with their
 * history; pip unpacks beside what it has downloaded, and torch brings libraries of its own on some machines.
 */
export function installedBytes(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + bytesOf(part), 0);
}

function bytesOf(part: Part): number {
  switch (part.kind) {
    case 'checkout':
      // Files of a commit that is there already are written anew; everything else comes over the network.
      return part.state === 'drifted' || part.state === 'changed' ? 0.3 * GB : 1.5 * GB;
    case 'megatronCopy':
    case 'venv':
      return 0.1 * GB;
    case 'folders':
      return 0;
    case 'packages':
      return 10 * GB;
    case 'editable':
      // MindSpeed-MM asks for some forty packages, the others for few.
      return part.source === 'mindspeedMm' ? 2.8 * GB : 0.5 * GB;
    default:
      return assertNever(part);
  }
}
