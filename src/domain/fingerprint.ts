import { createHash } from 'node:crypto';
import { canonicalJson } from './canonical.js';

/** Hex sha256 of canonical JSON, cut to 32 digits: 128 bits are enough to never meet and short enough to read. */
export function fingerprint(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex').slice(0, 32);
}

/** What a stage's output depends on besides its own parameters. */
export interface StageInputs {
  /** Fingerprint of the stage's own parameters, from the plan. */
  readonly own: string;
  /** Digest of the output of each stage it needs. */
  readonly needs: Readonly<Record<string, string>>;
  /** Digest of the recipe's program files that it runs. */
  readonly programs: string;
  /** Digest of the user's files that it reads (path, size, mtime; sha256 up to 64 MB). */
  readonly sources: string;
}

/** Store key of a stage's output: the same inputs give the same key, and the work is done once. */
export function stageKey(inputs: StageInputs): string {
  return fingerprint({ own: inputs.own, needs: inputs.needs, programs: inputs.programs, sources: inputs.sources });
}
