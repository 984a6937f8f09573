// Completes package-lock.json with the optional packages of other platforms that its packages name but the lock lacks.
import { readFileSync, writeFileSync } from 'node:fs';
const file = process.argv[2];
const lock = JSON.parse(readFileSync(file, 'utf8'));
const OS = ['aix','android','darwin','freebsd','linux','netbsd','openbsd','openharmony','sunos','win32'];
const CPU = { arm64: 'arm64', x64: 'x64', ia32: 'ia32', arm: 'arm', ppc64: 'ppc64', s390x: 's390x', riscv64: 'riscv64', loong64: 'loong64', wasm32: 'wasm32', mips64el: 'mips64el' };
const added = [];
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const nested = `${path}/node_modules/${name}`, top = `node_modules/${name}`;
    const wanted = version.replace(/^[\^~]/, '');
    // Where npm would look from this package: own folder, then the folders around it.
    const parent = path.slice(0, path.lastIndexOf('node_modules/' + path.split('node_modules/').at(-1)));
    const beside = `${parent}node_modules/${name}`;
    const places = [nested, beside, top];
    if (places.some((place) => lock.packages[place]?.version === wanted)) continue;
    const place = lock.packages[top] === undefined ? top : lock.packages[beside] === undefined ? beside : nested;
    const words = name.replace(/^@[^/]+\//, '').split('-');
    const os = words.filter((w) => OS.includes(w));
    const cpu = words.filter((w) => CPU[w]);
    if (cpu.length === 0 && os.length === 0) { console.log('unknown', name, version, 'of', path); }
    const libc = words.some((w) => w.startsWith('musl')) ? ['musl'] : words.some((w) => w.startsWith('gnu')) && os[0] === 'linux' ? ['glibc'] : undefined;
    const row = { version: version.replace(/^[\^~]/, '') };
    if (cpu.length) row.cpu = cpu;
    if (entry.dev) row.dev = true;
    if (entry.license) row.license = entry.license;
    if (libc) row.libc = libc;
    row.optional = true;
    if (os.length) row.os = os;
    if (entry.engines?.node) row.engines = { node: entry.engines.node };
    lock.packages[place] = row; added.push(`${name}@${version}`);
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a],[b]) => a < b ? -1 : a > b ? 1 : 0));
writeFileSync(file, JSON.stringify(lock, null, 2) + '\n');
console.log(added.length, 'added', added.filter((one) => /\^|~/.test(one)));
