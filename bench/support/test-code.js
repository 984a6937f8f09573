import { mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
import { ROOT } from './dev.js';

const ENTRY = 'test-code';

/**
 * Loads modules of the tests' support as one, so that a benchmark drives what the tests drive. Packages are not bundled: the
 * SDK exists once. The modules keep their own folders, by which they find the build.
 */
export async function importTestCode(...paths) {
  // Inside the project, where Node finds its packages; needed only until it is loaded.
  const folder = mkdtempSync(join(ROOT, '.bench-'));
  try {
    const bundle = await rolldown({
      input: ENTRY,
      platform: 'node',
      external: (id) => id !== ENTRY && !/^[./]/.test(id),
      plugins: [
        {
          name: 'own-folders',
          resolveId: (id) => (id === ENTRY ? id : null),
          load: (id) =>
            id === ENTRY ? paths.map((path) => `export * from ${JSON.stringify(join(ROOT, path))};`).join('\n') : null,
          transform: (code, id) =>
            code
              .replaceAll('import.meta.dirname', JSON.stringify(dirname(id)))
              .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href)),
        },
      ],
    });
    const file = join(folder, 'bundle.mjs');
    await bundle.write({ file, format: 'esm', codeSplitting: false });
    await bundle.close();
    return await import(pathToFileURL(file).href);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
