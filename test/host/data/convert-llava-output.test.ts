import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { describe, expect, it } from 'vitest';
import { convertRows } from '../../../src/host/data/convert-rows.js';
import { failureOf, outputFolder, site, written } from './convert-site.js';
import type { Site } from './convert-site.js';
import { llava, put } from './support.js';

describe('the output', () => {
  it('replaces an older file in one step and is readable by others', async () => {
    const here = site([llava('a.jpg')]);
    const umask = process.umask(0o077);
    try {
      put(here.folder, 'out/mllm.json', 'old');
      chmodSync(here.options.output, 0o600);
      await convertRows(here.options);
    } finally {
      process.umask(umask);
    }
    expect(written(here.options)).toHaveLength(1);
    expect(statSync(here.options.output).mode & 0o777).toBe(0o644);
    expect(outputFolder(here)).toEqual(['mllm.json']);
  });

  it('keeps the older file when the conversion is refused', async () => {
    const here = site([llava('gone.jpg')]);
    put(here.folder, 'out/mllm.json', 'old');
    await failureOf(convertRows(here.options));
    expect(readFileSync(here.options.output, 'utf8')).toBe('old');
    expect(outputFolder(here)).toEqual(['mllm.json']);
  });

  it('has nothing left behind by an aborted conversion', async () => {
    const here = site(Array.from({ length: 5000 }, () => llava('a.jpg', 'q', 'x'.repeat(500))));
    const abort = new AbortController();
    const reason = new Error('asked to stop');
    const conversion = convertRows({ ...here.options, signal: abort.signal, onProgress: () => abort.abort(reason) });
    await expect(conversion).rejects.toBe(reason);
    expect(outputFolder(here)).toEqual([]);
  });

  it('is not blocked by what a killed conversion left behind', async () => {
    const here = site(Array.from({ length: 5000 }, () => llava('a.jpg', 'q', 'x'.repeat(500))));
    await killConversionHalfway(here);
    expect(outputFolder(here)).toEqual([expect.stringMatching(/^\.mllm\.json\..*\.tmp$/)]);
    const report = await convertRows(here.options);
    expect(report.kept).toBe(5000);
    expect(written(here.options)).toHaveLength(5000);
  });
});

// The child stops itself in the middle of its work and waits there for the kill.
async function killConversionHalfway({ folder, options }: Site): Promise<void> {
  const source = new URL('../../../src/host/data/convert-rows.ts', import.meta.url).pathname;
  const program = put(
    folder,
    'child.ts',
    `import { writeSync } from 'node:fs';
     import { convertRows } from ${JSON.stringify(source)};
     const onProgress = ({ rows }) => {
       if (rows < 4000) return;
       writeSync(1, 'halfway');
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
     };
     await convertRows({ ...${JSON.stringify(options)}, onProgress });`,
  );
  const bundle = await rolldown({ input: program, platform: 'node', logLevel: 'silent' });
  await bundle.write({ file: join(folder, 'child.mjs'), format: 'esm' });
  await bundle.close();
  const child = spawn(process.execPath, [join(folder, 'child.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  const [said] = await once(child.stdout, 'data');
  expect(String(said)).toBe('halfway');
  child.kill('SIGKILL');
  expect((await exit)[1]).toBe('SIGKILL');
}
