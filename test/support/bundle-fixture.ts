import { execFile } from 'node:child_process';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

/** Bundles a fixture into one file that plain Node runs. */
export async function bundleFixture(source: URL, folder: string): Promise<string> {
  const file = join(folder, `${basename(source.pathname, '.ts')}.mjs`);
  const bundle = await rolldown({
    input: fileURLToPath(source),
    platform: 'node',
    external: (id) => id.startsWith('node:'),
    logLevel: 'silent',
  });
  await bundle.write({ file, format: 'esm', codeSplitting: false });
  await bundle.close();
  return file;
}

/** Runs a bundled fixture to its end; null when it was killed. */
export function runFixture(file: string, args: readonly string[]): Promise<string | null> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [file, ...args], (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else if (error.signal === 'SIGKILL') resolve(null);
      else reject(new Error(stderr, { cause: error }));
    });
  });
}
