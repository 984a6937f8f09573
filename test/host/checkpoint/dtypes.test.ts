import { expect, test } from 'vitest';
import { dtypeOf, elementBytes } from '../../../src/host/checkpoint/dcp-dtypes.js';

test.each([
  ['float8_e8m0fnu', 'F8_E8M0', 1],
  ['float8_e4m3fnuz', 'float8_e4m3fnuz', 1],
  ['float4_e2m1fn_x2', 'float4_e2m1fn_x2', 1],
  ['complex32', 'complex32', 4],
  ['bfloat16', 'BF16', 2],
  ['int4', 'int4', 1],
  ['bits16', 'bits16', 2],
  ['quint4x2', 'quint4x2', 0.5],
  // One bit beside float32: damage, not a type.
  ['float22', null, 0],
])('an element type of torch 2.13: %s', (torch, name, bytes) => {
  expect(dtypeOf(`torch.${torch}`)).toBe(name);
  expect(elementBytes(name ?? '')).toBe(bytes);
});
