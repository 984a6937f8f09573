import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
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

/** A PNG of the given size: signature, header, pixels that nobody decodes, and end. */
export function png(width: number, height: number, pixels: Buffer = Buffer.alloc(8)): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))]);
}

/** A chunk of a PNG: length, type, data, and the checksum of the two. */
export function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  const checksum = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
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
