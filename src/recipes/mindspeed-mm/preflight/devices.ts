import type { PipelineSpec } from '../../../schemas/spec.js';
import type { Product } from '../training/value-rules.js';
import type { Chip, DeviceTable } from './device-table.js';
import { someNames } from '../../../domain/text/some-names.js';

/** Product by its chips: Atlas A3 has two chips on a card, Atlas A2 one, whose name tells its kind. */
export function productIn({ chips }: DeviceTable): Product {
  if (chips.some(({ chip }) => chip > 0)) return 'atlas-a3';
  return chips.every(({ name }) => /^(Ascend)?910B/i.test(name)) ? 'atlas-a2' : 'unknown';
}

/** Devices of a whole host. */
export const FULL_HOSTS = { 'atlas-a3': 16, 'atlas-a2': 8, unknown: null } as const satisfies Record<
  Product,
  number | null
>;

/** What people call the products. */
export const PRODUCT_TITLES = {
  'atlas-a3': 'Atlas A3',
  'atlas-a2': 'Atlas A2',
  unknown: 'an unknown product',
} as const satisfies Record<Product, string>;

/** Physical ids of the devices that the ranks of a host will use. */
export function wantedDevices({ train, fleet }: Pick<PipelineSpec, 'train' | 'fleet'>): readonly number[] {
  const stated = train.env['ASCEND_RT_VISIBLE_DEVICES'];
  // A list that fits no host is refused by a lint.
  if (stated !== undefined) return String(stated).split(',').map(Number).filter(Number.isInteger);
  return Array.from({ length: fleet.npusPerHost }, (_, id) => id);
}

/** How a chip is told: by the number that ranks use, and by what npu-smi calls it. */
export function nameOf({ physicalId, npu, chip }: Chip): string {
  return `device ${physicalId} (NPU ${npu} chip ${chip})`;
}

/** Names that a sentence can hold. */
const MOST_NAMES = 4;

/** Some names, and how many more. */
export function some(names: readonly string[]): string {
  return someNames(names, MOST_NAMES);
}

/** `0 to 15`, or the ids where they are not in a row. */
export function idsText(ids: readonly number[]): string {
  const [first = 0] = ids;
  const isRow = ids.length > 2 && ids.every((id, index) => id === first + index);
  return isRow ? `${first} to ${first + ids.length - 1}` : ids.join(', ');
}
