import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const ENTRY = fileURLToPath(new URL('../src/host/keeper/main.ts', import.meta.url));

/**
 * Bundles the keeper into one file that needs nothing but Node.
 * @param {string} outFile path of the bundle, such as dist/keeper.mjs
 */
export async function bundleKeeper(outFile) {
  const bundle = await rolldown({
    input: ENTRY,
    platform: 'node',
    // A dependency left outside the file would be looked up beside a copy that has no node_modules.
    external: (id) => id.startsWith('node:'),
    onLog(level, log) {
      if (level === 'warn') throw new Error(`keeper bundle: ${log.message}`);
    },
  });
  try {
    await bundle.write({ file: outFile, format: 'esm', codeSplitting: false });
  } finally {
    await bundle.close();
  }
}
