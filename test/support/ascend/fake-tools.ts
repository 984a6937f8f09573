import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Folder of the fake npu-smi and hccn_tool. */
export const ASCEND_BIN = join(import.meta.dirname, 'bin');

/** What the fake tools show; ascend_state.py describes each key. */
export interface AscendState {
  readonly product?: 'a3' | 'a2';
  readonly devices?: number;
  readonly missing?: readonly number[];
  readonly format?: '22' | '25' | '26';
  readonly driver?: string;
  readonly firmware?: string;
  readonly health?: Readonly<Record<number, string>>;
  readonly codes?: Readonly<Record<number, string>>;
  readonly usedMb?: Readonly<Record<number, number>>;
  readonly processes?: readonly {
    readonly device: number;
    readonly pid: number;
    readonly name?: string;
    readonly memoryMb?: number;
    readonly containerPid?: number;
  }[];
  readonly linkDown?: readonly number[];
  readonly linkText?: string;
  readonly tlsText?: string;
  readonly light?: Readonly<Record<number, string>>;
  readonly tls?: 0 | 1 | Readonly<Record<number, 0 | 1>>;
  readonly superPod?: { readonly id: number; readonly serverIndex: number; readonly sdid?: number };
  readonly hang?: readonly ('npu-smi' | 'hccn_tool')[];
  readonly isRoot?: boolean;
  readonly inGroup?: boolean;
  readonly log?: string;
  readonly exclusive?: string;
}

/** The environment in which the fake tools show a state; its file is removed with the test. */
export function ascendEnv(state: AscendState): { readonly FAKE_ASCEND_STATE: string } {
  const dir = mkdtempSync(join(tmpdir(), 'temper-ascend-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, 'state.json');
  writeFileSync(file, JSON.stringify(state));
  return { FAKE_ASCEND_STATE: file };
}
