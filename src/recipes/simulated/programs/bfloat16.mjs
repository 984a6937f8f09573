/**
 * Rounds 32-bit floats to bfloat16, to nearest with ties to even, as torch does. NaN stays NaN.
 * @param {Float32Array} values
 * @returns {Buffer} two bytes per value, little endian
 */
export function toBfloat16(values) {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const result = Buffer.alloc(2 * values.length);
  for (const [index, word] of bits.entries()) {
    const half = Number.isNaN(values[index]) ? 0x7fc0 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
    result.writeUInt16LE(half & 0xffff, 2 * index);
  }
  return result;
}

/**
 * Widens bfloat16 to 32-bit floats, exactly.
 * @param {Buffer} bytes two bytes per value, little endian
 */
export function fromBfloat16(bytes) {
  const bits = Uint32Array.from({ length: bytes.length / 2 }, (_, index) => bytes.readUInt16LE(2 * index) << 16);
  return new Float32Array(bits.buffer);
}

/**
 * The bytes of 32-bit floats.
 * @param {Float32Array} values
 */
export function float32Bytes(values) {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

/**
 * 32-bit floats from bytes at any offset.
 * @param {Buffer} bytes
 */
export function toFloat32(bytes) {
  // A copy: typed arrays need an offset that is a multiple of four.
  return new Float32Array(Uint8Array.from(bytes).buffer);
}
