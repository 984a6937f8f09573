import type { PipelineSpec } from '../../../schemas/spec.js';

/** Python that the guide recommends (1.1). */
export const REFERENCE_PYTHON = '3.10';

/** Packages that the guide names with a version, besides the four checkouts. */
export const REFERENCE_PACKAGES: Readonly<Record<string, string>> = { torch: '2.7.1', torch_npu: '2.7.1' };

/** Exact versions that the environment gets. */
export function wantedPackages({ environment }: Pick<PipelineSpec, 'environment'>): Readonly<Record<string, string>> {
  return { ...REFERENCE_PACKAGES, ...environment.packages };
}
