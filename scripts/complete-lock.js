/**
 * Adds to package-lock.json the optional packages of other platforms that npm left out because the registry in use
 * does not serve them; without their rows `npm ci` refuses the lock file everywhere. Run it after every `npm install`:
 * `node scripts/complete-lock.js`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const SYSTEMS = new Set([
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
]);
const PROCESSORS = new Set([
  'arm',
  'arm64',
  'ia32',
  'loong64',
  'mips64el',
  'ppc64',
  'riscv64',
  's390x',
  'wasm32',
  'x64',
]);

const file = join(resolve(import.meta.dirname, '..'), 'package-lock.json');
const lock = JSON.parse(readFileSync(file, 'utf8'));
let added = 0;
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    const version = range.replace(/^[\^~]/, '');
    // Where npm would look from this package: in its own folder, beside it, at the top.
    const beside = `${path.slice(0, path.lastIndexOf('node_modules/'))}node_modules/${name}`;
    const places = [`node_modules/${name}`, beside, `${path}/node_modules/${name}`];
    if (places.some((place) => lock.packages[place]?.version === version)) continue;
    const free = places.find((place) => lock.packages[place] === undefined);
    if (free === undefined) throw new Error(`${name}@${version} of ${path} has no place in the lock file`);
    lock.packages[free] = rowOf(name, version, entry);
    added += 1;
  }
}
const sorted = Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1));
writeFileSync(file, `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`);
process.stdout.write(`${added} packages of other platforms added\n`);

/** The platform of such a package stands in its name. */
function rowOf(name, version, { dev, license, engines }) {
  const words = name.replace(/^@[^/]+\//, '').split('-');
  const os = words.filter((word) => SYSTEMS.has(word));
  const cpu = words.filter((word) => PROCESSORS.has(word));
  const libc = words.some((word) => word.startsWith('musl'))
    ? ['musl']
    : os.includes('linux') && words.some((word) => word.startsWith('gnu'))
      ? ['glibc']
      : [];
  return {
    version,
    ...(cpu.length > 0 ? { cpu } : {}),
    ...(dev ? { dev } : {}),
    ...(license ? { license } : {}),
    ...(libc.length > 0 ? { libc } : {}),
    optional: true,
    ...(os.length > 0 ? { os } : {}),
    ...(engines?.node ? { engines: { node: engines.node } } : {}),
  };
}
