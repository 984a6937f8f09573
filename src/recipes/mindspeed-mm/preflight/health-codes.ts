import { findDeviceFault, type DeviceFault } from '../verdict/device-faults.js';
import type { Answer } from './answers.js';

/** A fault code that a device tells, with what is known of it. */
export interface HealthCode {
  readonly code: string;
  readonly known: DeviceFault | null;
}

/**
 * The codes in `npu-smi info -t health`: `Error Code : 80E01801`, several of them in one line or in lines below it, with
 * `0x` or without; `NA` where there are none.
 */
export function codesIn({ kind, text }: Answer): readonly HealthCode[] {
  if (kind !== 'answered') return [];
  let isCode = false;
  const codes = text.split('\n').flatMap((line) => {
    const [, key, rest] = /^\W*([A-Za-z][\w ()]*?)\s*:(.*)$/.exec(line) ?? [];
    if (key !== undefined) isCode = /^(error|fault)\s*codes?\b/i.test(key);
    return isCode ? [...(rest ?? line).matchAll(/\b(?:0x)?([0-9a-f]{8,9})\b/gi)].map(([, code = '']) => code) : [];
  });
  return [...new Set(codes.map((code) => code.toUpperCase()))].map((code) => ({ code, known: findDeviceFault(code) }));
}

/** `80E18402 (64 rows …)`, or the bare code of one that is not listed. */
export function tellCode({ code, known }: HealthCode): string {
  return known === null ? code : `${code} (${known.meaning})`;
}
