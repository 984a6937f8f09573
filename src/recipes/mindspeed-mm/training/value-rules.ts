/** Servers that the guide's layout fits: Atlas A3 has 16 devices a host (8 cards of two dies), Atlas A2 has 8. */
export type Product = 'atlas-a2' | 'atlas-a3' | 'unknown';

/** What the values of a variable depend on. */
export interface Platform {
  readonly product: Product;
  /** Version of the CANN toolkit as its files write it, such as `8.3.RC1`. */
  readonly cann: string;
  readonly devicesPerHost: number;
  /** Values of the other variables, because some ranges depend on them. */
  readonly others: Readonly<Record<string, string>>;
}

/** What a value has to be. `check` answers what is wrong with a value, or null. */
export interface ValueRule {
  /** The values in words, for messages and the schema. */
  readonly form: string;
  check(value: string, platform: Platform): string | null;
}

/** Product of a host by its number of devices. */
export function productOf(devicesPerHost: number): Product {
  if (devicesPerHost === 16) return 'atlas-a3';
  return devicesPerHost === 8 ? 'atlas-a2' : 'unknown';
}

/** Whether a CANN version is this one or newer; only the first two numbers count, as in `8.3`. */
export function isSince(version: string, since: string): boolean {
  const [major = 0, minor = 0] = numbersOf(version);
  const [sinceMajor = 0, sinceMinor = 0] = numbersOf(since);
  return major > sinceMajor || (major === sinceMajor && minor >= sinceMinor);
}

/** One of a few texts. */
export function oneOf(...values: readonly string[]): ValueRule {
  const form = values.join(' or ');
  return { form, check: (value) => (values.includes(value) ? null : `it is not ${form}`) };
}

/** A whole number within bounds, both included. */
export function wholeNumber(min: number, max: number): ValueRule {
  const form = `a whole number from ${min} to ${max}`;
  return {
    form,
    check: (value) =>
      /^\d{1,10}$/.test(value) && Number(value) >= min && Number(value) <= max ? null : `it is not ${form}`,
  };
}

/** True or false as Python and the tokenizer library write them. */
export function truthValue(): ValueRule {
  return {
    form: 'True or False',
    check: (value) => (/^(true|false)$/i.test(value) ? null : 'it is neither True nor False'),
  };
}

/**
 * How processes are bound to cores: a mode, and behind it, in any order, ranges of cores for single devices and whether
 * the binding follows the device's NUMA node (torch_npu 7.1: "CPU_AFFINITY_CONF").
 */
export const affinity: ValueRule = {
  form: '0, 1 or 2, with npuN:FROM-TO for single devices and npu_affine:0 or 1 behind it, separated by commas',
  check(value, { devicesPerHost }) {
    const [mode = '', ...options] = value.split(',');
    if (!/^(mode:)?[012]$/.test(mode)) return `its mode ${JSON.stringify(mode)} is not 0, 1 or 2`;
    for (const option of options) {
      if (/^npu_affine:[01]$/.test(option)) continue;
      const range = /^npu(\d{1,3}):(\d{1,5})-(\d{1,5})$/.exec(option);
      if (range === null) return `${JSON.stringify(option)} is neither npuN:FROM-TO nor npu_affine:0 or 1`;
      const [, device, from, to] = range;
      if (Number(device) >= devicesPerHost) return `the host has no device ${device}: there are ${devicesPerHost}`;
      if (Number(from) > Number(to)) return `the cores ${from}-${to} are in the wrong order`;
    }
    return null;
  },
};

/** Options of the device memory allocator by name, with what their values are (torch_npu 7.3: "PYTORCH_NPU_ALLOC_CONF"). */
const ALLOCATOR_OPTIONS: Readonly<Record<string, RegExp>> = {
  expandable_segments: /^(True|False)$/,
  max_split_size_mb: /^(2[1-9]|[3-9]\d|[1-9]\d{2,6})$/,
  garbage_collection_threshold: /^0?\.\d*[1-9]\d*$/,
  base_addr_aligned_kb: /^(\d|1[0-6])$/,
  page_size: /^1[gG]$/,
  segment_size_mb: /^[1-9]\d{0,5}$/,
};

/** Settings of the device memory allocator. */
export const allocator: ValueRule = {
  form: `OPTION:VALUE, separated by commas, such as expandable_segments:True; options are ${Object.keys(ALLOCATOR_OPTIONS).join(', ')}`,
  check(value) {
    const options = value.split(',').map((option) => option.split(':'));
    for (const [name = '', text = '', ...rest] of options) {
      const pattern = ALLOCATOR_OPTIONS[name];
      if (pattern === undefined) return `it has no option ${JSON.stringify(name)}`;
      if (rest.length > 0 || !pattern.test(text)) return `${name} cannot be ${JSON.stringify(text)}`;
    }
    const has = (name: string, text?: string): boolean =>
      options.some(([option, given]) => option === name && (text === undefined || given === text));
    if (has('expandable_segments', 'True') && (has('max_split_size_mb') || has('garbage_collection_threshold')))
      return 'max_split_size_mb and garbage_collection_threshold need expandable_segments:False';
    return null;
  },
};

function numbersOf(version: string): number[] {
  return (version.match(/\d{1,6}/g) ?? []).map(Number);
}
