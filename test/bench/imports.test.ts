import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Benchmarks and scripts import what was built by a path made at run time, which no compiler follows. */
const BUILT = /const \{ ([^}]+) \} = await import\((?:`\$\{ROOT\}\/|join\(ROOT, ')dist\/([\w/-]+)\.js/g;

const imports = ['bench', 'scripts'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js'))
    .flatMap((name) =>
      [...readFileSync(join(ROOT, folder, name), 'utf8').matchAll(BUILT)].map(([, names = '', path = '']) => ({
        file: `${folder}/${name}`,
        path,
        names: names.split(',').map((one) => one.split(':')[0]?.trim() ?? ''),
      })),
    ),
);

it('benchmarks and scripts are among those that import what was built', () => {
  expect(new Set(imports.map(({ file }) => file.split('/')[0]))).toEqual(new Set(['bench', 'scripts']));
});

it.each(imports)('$file finds $names in dist/$path.js', async ({ path, names }) => {
  const module: Record<string, unknown> = await import(
    /* @vite-ignore */ pathToFileURL(join(ROOT, `dist/${path}.js`)).href
  );
  expect(names.filter((name) => !(name in module))).toEqual([]);
});
