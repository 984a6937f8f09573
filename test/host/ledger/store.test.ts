import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { noteProven } from '../../../src/domain/checkpoints/ledger.js';
import { changeLedger, readLedger } from '../../../src/host/ledger/store.js';
import { LedgerSchema } from '../../../src/schemas/ledger.js';
import { anEntry } from './support.js';

let root = '';
let runDir = '';
let runs = 0;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'temper-ledger-'));
  const bundle = await rolldown({
    input: fileURLToPath(new URL('fixtures/writer.ts', import.meta.url)),
    platform: 'node',
  });
  await bundle.write({ file: writer(), format: 'esm', codeSplitting: false });
  await bundle.close();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));
beforeEach(() => {
  runDir = join(root, `run-${(runs += 1)}`);
});

describe('one writer', () => {
  test('a ledger that was never written is empty, and reading makes nothing', async () => {
    await mkdir(runDir);
    expect(await readLedger(runDir)).toEqual({ v: 1, revision: 0, checkpoints: [], inUse: null });
    expect(await readdir(runDir)).toEqual([]);
  });

  test('each change is one revision of a readable file', async () => {
    await changeLedger(runDir, (ledger) => noteProven(ledger, anEntry({ iteration: 2 })));
    const ledger = await changeLedger(runDir, (now) => noteProven(now, anEntry({ iteration: 4 })));
    expect(ledger.revision).toBe(2);
    expect(await published()).toEqual(ledger);
    expect(await readLedger(runDir)).toEqual(ledger);
    expect(await readdir(join(runDir, '.ledger'))).toEqual(['2.json']);
  });

  test('a change that changes nothing writes nothing', async () => {
    await changeLedger(runDir, (ledger) => noteProven(ledger, anEntry({ iteration: 2 })));
    const again = await changeLedger(runDir, (ledger) => noteProven(ledger, anEntry({ iteration: 2 })));
    expect(again.revision).toBe(1);
  });

  test('fields of a newer minor version survive a change', async () => {
    await mkdir(runDir);
    await writeFile(
      join(runDir, 'checkpoints.json'),
      JSON.stringify({ v: 1, revision: 3, checkpoints: [], inUse: null, addedLater: 'x' }),
    );
    await changeLedger(runDir, (ledger) => noteProven(ledger, anEntry({ iteration: 2 })));
    expect(await published()).toMatchObject({ revision: 4, addedLater: 'x' });
  });

  test('a newer major version is refused by name', async () => {
    await mkdir(runDir);
    await writeFile(join(runDir, 'checkpoints.json'), JSON.stringify({ v: 2 }));
    await expect(readLedger(runDir)).rejects.toMatchObject({
      problem: { code: 'FormatTooNew', where: join(runDir, 'checkpoints.json') },
    });
  });
});

describe('many writers', () => {
  test('processes that write at once lose nothing', async () => {
    const names = ['a', 'b', 'c', 'd'];
    await Promise.all(names.map((name) => write(name, 10)));
    const ledger = await readLedger(runDir);
    const expected = names.flatMap((name) =>
      Array.from({ length: 10 }, (_, index) => `attempts/${name}/ckpt/iter_${index + 1}`),
    );
    expect(ledger.checkpoints.map(({ dir }) => dir).sort()).toEqual(expected.sort());
    expect(await published()).toEqual(ledger);
    expect(await readdir(join(runDir, '.ledger'))).toEqual([`${ledger.revision}.json`]);
  });

  test('a writer that slept while others wrote and swept does not bring an old ledger back', async () => {
    await changeLedger(runDir, (ledger) => noteProven(ledger, anEntry({ iteration: 1 })));
    let looks = 0;
    const ledger = await changeLedger(runDir, (now) => {
      looks += 1;
      // Revisions 2 to 4 are taken, published and swept while this writer holds the ledger of revision 1.
      if (looks === 1) execFileSync(process.execPath, [writer(), runDir, 'fast', '3']);
      return noteProven(now, anEntry({ iteration: 9 }));
    });
    expect({ looks, revision: ledger.revision }).toEqual({ looks: 2, revision: 5 });
    expect(ledger.checkpoints).toHaveLength(5);
    expect(await published()).toEqual(ledger);
  });
});

describe('kill -9 between any two steps', () => {
  test('leaves the old ledger or the new one, and the next writer goes on', async () => {
    const total = Number(await write('whole', 2));
    expect(total).toBeGreaterThan(20);
    for (let killAt = 1; killAt <= total; killAt += 1) {
      runDir = join(root, `killed-${killAt}`);
      await expect(write('killed', 2, killAt)).rejects.toMatchObject({ signal: 'SIGKILL' });
      const left = await readLedger(runDir);
      const dirs = left.checkpoints.map(({ dir }) => dir);
      expect(['attempts/killed/ckpt/iter_1', 'attempts/killed/ckpt/iter_2'].slice(0, dirs.length)).toEqual(dirs);
      const after = await changeLedger(runDir, (ledger) => noteProven(ledger, anEntry({ iteration: 9 })));
      expect(after.checkpoints).toHaveLength(dirs.length + 1);
      expect(await published()).toEqual(after);
    }
  }, 60_000);
});

function writer(): string {
  return join(root, 'writer.mjs');
}

/** Runs a writer in a process of its own; answers what it printed, and rejects when it was killed. */
function write(name: string, count: number, killAt = 0): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [writer(), runDir, name, String(count), String(killAt)], (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(stderr === '' ? error : new Error(stderr));
    });
  });
}

async function published(): Promise<unknown> {
  return LedgerSchema.parse(JSON.parse(await readFile(join(runDir, 'checkpoints.json'), 'utf8')));
}
