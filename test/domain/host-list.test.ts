import { describe, expect, it } from 'vitest';
import { packHosts, unpackHosts } from '../../src/domain/host-list.js';

const count = (from: number, to: number, name: (number: number) => string): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => name(from + index));
const wide = (number: number): string => `h${String(number).padStart(3, '0')}`;

describe('a list of hosts', () => {
  it.each([
    { what: 'numbers of one width', names: count(1, 256, wide), packed: ['h[001-256]'] },
    { what: 'numbers that grow wider', names: count(8, 12, (n) => `h${n}`), packed: ['h[8-12]'] },
    {
      what: 'a domain behind the number',
      names: count(1, 5, (n) => `npu-0${n}.rack7.lab`),
      packed: ['npu-[01-05].rack7.lab'],
    },
    {
      what: 'a gap and another order',
      names: [...count(10, 14, wide), 'h001', ...count(16, 20, wide)],
      packed: ['h[010-014]', 'h001', 'h[016-020]'],
    },
    { what: 'few hosts in full', names: ['h1', 'h2', 'h3'], packed: ['h1', 'h2', 'h3'] },
    { what: 'names without a number', names: ['anna', 'berta'], packed: ['anna', 'berta'] },
    { what: 'another width in between', names: ['h8', 'h9', 'h010', 'h11'], packed: ['h8', 'h9', 'h010', 'h11'] },
    { what: 'no hosts', names: [], packed: [] },
  ])('tells $what', ({ names, packed }) => {
    expect(packHosts(names)).toEqual(packed);
    expect(unpackHosts(packed)).toEqual(names);
  });

  it('stays below 4 kB for a gang of 256 hosts whose names count up', () => {
    const names = count(1, 256, (n) => `accelerator-host-${String(n).padStart(4, '0')}.cluster-7.example`);
    expect(Buffer.byteLength(JSON.stringify(packHosts(names)))).toBeLessThan(4_096);
  });
});
