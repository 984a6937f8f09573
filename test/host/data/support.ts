import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A fresh folder that is removed when the test ends. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'temper-data-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes a file below a folder and returns its path. */
export function put(folder: string, name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

/** Start and end of a PNG of the given size: signature, IHDR and IEND, which is all that a probe may need. */
export function png(width: number, height: number): Buffer {
  const bytes = Buffer.alloc(45);
  bytes.write('\x89PNG\r\n\x1a\n', 0, 'latin1');
  bytes.writeUInt32BE(13, 8);
  bytes.write('IHDR', 12, 'latin1');
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  bytes.write('IEND', 37, 'latin1');
  return bytes;
}

/** A LLaVA row with one question and one answer. */
export function llava(image: string | undefined, question = 'What is it?', answer = 'A cat.'): Record<string, unknown> {
  return {
    id: 'x',
    ...(image === undefined ? {} : { image }),
    conversations: [
      { from: 'human', value: image === undefined ? question : `<image>\n${question}` },
      { from: 'gpt', value: answer },
    ],
  };
}

/** An MLLM row with one question and one answer. */
export function mllm(images: readonly string[], question = 'What is it?', answer = 'A cat.'): Record<string, unknown> {
  return {
    images,
    messages: [
      { role: 'user', content: '<image>'.repeat(images.length) + question },
      { role: 'assistant', content: answer },
    ],
  };
}
