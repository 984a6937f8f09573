import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { llava, put, scratchFolder } from '../host/data/support.js';
import { temper } from './support.js';

describe('temper data convert', () => {
  const argv = [
    'data',
    'convert',
    '--format',
    'llava',
    '--annotations',
    'l.json',
    '--images',
    'i',
    '--output',
    'o.json',
  ];

  function folder(): string {
    const cwd = scratchFolder();
    put(cwd, 'i/a.jpg', '');
    put(cwd, 'l.json', JSON.stringify([llava('a.jpg'), llava('gone.jpg'), llava('lost.jpg')]));
    return cwd;
  }

  it('tells what it would drop, with examples, when that is too much; nothing is written', async () => {
    const cwd = folder();
    const { status, stdout, stderr } = await temper([...argv, '-o', 'json', '--report', 'report.json'], { cwd });
    expect(status).toBe(1);
    expect(stderr).toContain('2 of 3 rows dropped');
    expect(JSON.parse(stdout)).toMatchObject({
      kept: 1,
      bytesWritten: 0,
      droppedBy: [{ id: 'data/image-missing', count: 2, examples: [{ row: 1 }, { row: 2 }] }],
    });
    expect(JSON.parse(readFileSync(join(cwd, 'report.json'), 'utf8'))).toEqual(JSON.parse(stdout));
    expect(existsSync(join(cwd, 'o.json'))).toBe(false);
  });

  it('shows the same as text', async () => {
    const { status, stdout } = await temper(argv, { cwd: folder() });
    expect(status).toBe(1);
    expect(stdout).toMatch(
      /o\.json: not written; 1 of 3 rows can be used\n.*data\/image-missing: 2 found[^]*"lost\.jpg"/,
    );
  });

  it('writes the report of a conversion beside its output, never over the annotations', async () => {
    const cwd = folder();
    const accepted = [...argv, '--max-dropped', '67%'];
    expect((await temper([...accepted, '--report', 'report.json'], { cwd })).status).toBe(0);
    expect(JSON.parse(readFileSync(join(cwd, 'report.json'), 'utf8'))).toMatchObject({ kept: 1, dropped: 2 });
    const { status, stderr } = await temper([...accepted, '--report', 'l.json'], { cwd });
    expect(status).toBe(2);
    expect(stderr).toContain('the report would overwrite');
  });
});
