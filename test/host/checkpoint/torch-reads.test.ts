import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { findContradictions } from '../../../src/host/checkpoint/consistency.js';
import { decodeMetadata } from '../../../src/host/checkpoint/dcp-decode.js';
import { DcpMetadataError } from '../../../src/host/checkpoint/dcp-metadata.js';
import { READERS } from './fixtures.js';

const PYTHON = resolve(import.meta.dirname, '../../../.temper/venv/bin/python');

/** Prints which files of metadata, made by flipping single bits of one, torch cannot read. */
const PROGRAM = `
import json, pickle, sys
from torch.distributed.checkpoint.metadata import Metadata
data = open(sys.argv[1], 'rb').read()
failed = []
for bit in json.load(sys.stdin):
    copy = bytearray(data)
    copy[bit >> 3] ^= 1 << (bit & 7)
    try:
        assert isinstance(pickle.loads(copy), Metadata)
    except BaseException as error:
        failed.append(f'bit {bit}: {error}')
print(json.dumps(failed))
`;

test('what is read with a flipped bit, torch can read as well', { timeout: 120_000 }, async () => {
  const file = join(READERS, 'dcp-release/release/.metadata');
  const data = await readFile(file);
  // Two bits of each byte, others in the next one: all of them take a minute and were tried once.
  const tried = Array.from({ length: data.length * 2 }, (_, index) => index * 4 + (index % 4));
  const accepted = tried.filter((bit) => isAccepted(data, bit));
  // Names of entries that are told once only, numbers of an index, the version: nothing contradicts those.
  expect(accepted.length).toBeGreaterThan(100);
  const input = JSON.stringify(accepted);
  const output = execFileSync(PYTHON, ['-c', PROGRAM, file], { input, encoding: 'utf8', stdio: 'pipe' });
  expect(JSON.parse(output)).toEqual([]);
});

function isAccepted(data: Buffer, bit: number): boolean {
  const damaged = Buffer.from(data);
  damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  try {
    return findContradictions(decodeMetadata(damaged)).length === 0;
  } catch (error) {
    if (error instanceof DcpMetadataError) return false;
    throw error;
  }
}
