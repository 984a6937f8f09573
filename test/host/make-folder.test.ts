import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeFolder } from '../../src/host/make-folder.js';

function scratchFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'temper-make-folder-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

describe('a folder that is made', () => {
  it('comes with all above it, once or at the same moment', async () => {
    const dir = join(scratchFolder(), 'a/b/c');
    await Promise.all(Array.from({ length: 8 }, () => makeFolder(dir)));
    await makeFolder(`${dir}/`);
    expect(statSync(dir).isDirectory()).toBe(true);
  });

  it('has the mode that was asked for, and those above it the usual one', async () => {
    const root = scratchFolder();
    await makeFolder(join(root, 'a/b'), 0o700);
    expect(statSync(join(root, 'a/b')).mode & 0o777).toBe(0o700);
    mkdirSync(join(root, 'plain'));
    expect(statSync(join(root, 'a')).mode).toBe(statSync(join(root, 'plain')).mode);
  });

  it('is reached through links, and stays as it is', async () => {
    const root = scratchFolder();
    mkdirSync(join(root, 'real'));
    chmodSync(join(root, 'real'), 0o750);
    symlinkSync('real', join(root, 'link'));
    await makeFolder(join(root, 'link'), 0o700);
    await makeFolder(join(root, 'link/more'));
    expect(existsSync(join(root, 'real/more'))).toBe(true);
    expect(statSync(join(root, 'real')).mode & 0o777).toBe(0o750);
  });

  it('is refused where a file or a link to nothing stands in the way', async () => {
    const root = scratchFolder();
    writeFileSync(join(root, 'file'), '');
    symlinkSync('nothing', join(root, 'dangling'));
    await expect(makeFolder(join(root, 'file'))).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(makeFolder(join(root, 'file/below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
    await expect(makeFolder(join(root, 'dangling'))).rejects.toMatchObject({ code: 'EEXIST' });
  });

  // The recursive mkdir of Node 20 tries this for ever, on a thread that nothing ends.
  it('is refused where the kernel denies that the folder above is there', async () => {
    await expect(makeFolder('/proc/temper/a')).rejects.toMatchObject({ code: 'ENOENT', path: '/proc/temper' });
  });
});
