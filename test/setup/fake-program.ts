import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes an executable shell script that stands for a program; answers its path. */
export function fakeProgram(folder: string, name: string, script: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return path;
}
