#!/usr/bin/env node
// Kept free of syntax that old Node versions cannot read, so that the message about the version reaches them.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const NEEDED = [20, 20];
const main = new URL('../dist/cli/main.js', import.meta.url);

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
  fail(
    `Node ${process.versions.node} is too old`,
    `Temper needs Node ${NEEDED.join('.')} or newer`,
    'install it and run the command again',
  );
} else if (!existsSync(main)) {
  fail(
    'Temper has not been built yet',
    `${fileURLToPath(main)} is missing`,
    'npm start (or npm test) sets everything up; node scripts/build.js builds only',
  );
} else {
  const { main: run } = await import(main.href);
  process.exitCode = await run(process.argv.slice(2));
}

function fail(what, why, fix) {
  process.stderr.write(`error[UsageInvalid]: ${what}\n  why: ${why}\n  fix: ${fix}\n`);
  process.exitCode = 2;
}
