/** Bits of an F32 without its sign; anything above the bits of infinity is not a number. */
const MAGNITUDE = 0x7f_ff_ff_ff;
const INFINITY_BITS = 0x7f_80_00_00;
/** Marks a BF16 that is not a number as one that raises nothing, whatever bits were cut off. */
const QUIET = 0x40;

/**
 * Rounds F32 values, given by their bits, to BF16: to the nearest, ties to the even one, as torch does. Too large values
 * become infinite, zeros keep their sign, what is not a number stays so.
 */
export function roundToBf16(wide: Int32Array, narrow: Uint16Array): void {
  // Indexed, because this loop decides how fast hundreds of gigabytes are cast.
  for (let index = 0; index < wide.length; index += 1) {
    const bits = wide[index] ?? 0;
    narrow[index] =
      (bits & MAGNITUDE) > INFINITY_BITS ? (bits >>> 16) | QUIET : (bits + 0x7f_ff + ((bits >>> 16) & 1)) >>> 16;
  }
}
