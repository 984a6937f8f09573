import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../src/config.js';
import { roundToBf16 } from '../../../src/host/safetensors/bf16.js';

function round(bits: readonly number[]): number[] {
  const narrow = new Uint16Array(bits.length);
  roundToBf16(Int32Array.from(bits), narrow);
  return [...narrow];
}

function isNan(bits: number): boolean {
  return (bits & 0x7f_ff) > 0x7f_80;
}

describe('rounding F32 to BF16', () => {
  it.each([
    ['one', 0x3f_80_00_00, 0x3f_80],
    ['below the middle goes down', 0x3f_80_7f_ff, 0x3f_80],
    ['the middle goes to the even one below', 0x3f_80_80_00, 0x3f_80],
    ['the middle goes to the even one above', 0x3f_81_80_00, 0x3f_82],
    ['above the middle goes up', 0x3f_80_80_01, 0x3f_81],
    ['zero', 0, 0],
    ['minus zero', 0x80_00_00_00, 0x80_00],
    ['the largest becomes infinite', 0x7f_7f_ff_ff, 0x7f_80],
    ['the largest that stays finite', 0x7f_7f_7f_ff, 0x7f_7f],
    ['minus the largest', 0xff_7f_ff_ff, 0xff_80],
    ['infinity', 0x7f_80_00_00, 0x7f_80],
    ['minus infinity', 0xff_80_00_00, 0xff_80],
    ['the smallest subnormal', 0x00_00_00_01, 0],
    ['a subnormal that is kept', 0x00_01_00_00, 0x00_01],
  ])('%s', (_what, wide, narrow) => {
    expect(round([wide])).toEqual([narrow]);
  });

  it.each([0x7f_80_00_01, 0x7f_ff_ff_ff, 0xff_80_00_01, 0xff_c0_00_00, 0x7f_a0_00_00])(
    'what is not a number stays so, with its sign: %i',
    (wide) => {
      const [narrow = 0] = round([wide]);
      expect(isNan(narrow)).toBe(true);
      expect(narrow >>> 15).toBe(wide >>> 31);
    },
  );

  it('is what torch does, for every upper half and the lower halves around each edge', () => {
    const lower = [0x00_00, 0x00_01, 0x7f_ff, 0x80_00, 0x80_01, 0xff_ff];
    const wide = new Uint32Array(0x1_00_00 * lower.length);
    for (let upper = 0; upper < 0x1_00_00; upper += 1) {
      for (const [index, low] of lower.entries()) wide[upper * lower.length + index] = upper * 0x1_00_00 + low;
    }
    const program =
      'import sys, torch; x = torch.frombuffer(bytearray(sys.stdin.buffer.read()), dtype=torch.float32); ' +
      'sys.stdout.buffer.write(bytes(x.to(torch.bfloat16).view(torch.int16).numpy().tobytes()))';
    const answer = execFileSync(readConfig().python, ['-c', program], {
      input: Buffer.from(wide.buffer),
      maxBuffer: 1 << 28,
    });
    const torch = new Uint16Array(answer.buffer.slice(answer.byteOffset, answer.byteOffset + answer.length));
    const ours = new Uint16Array(wide.length);
    roundToBf16(new Int32Array(wide.buffer), ours);
    // The bits of a NaN differ between torch's own code paths; that it is one does not.
    const differing = [...ours.keys()].filter((at) => {
      const left = ours[at] ?? 0;
      const right = torch[at] ?? 0;
      return isNan(right) ? !isNan(left) : left !== right;
    });
    expect(torch.length).toBe(ours.length);
    expect(differing).toEqual([]);
  });
});
