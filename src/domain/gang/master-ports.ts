import type { PipelineSpec } from '../../schemas/spec.js';

/** Ports to try on rank 0's host, in order: those of the spec, else the recipe's; none means any free port. */
export function wantedPorts(
  spec: PipelineSpec,
  ofRecipe: (spec: PipelineSpec) => readonly number[],
): readonly number[] {
  const stated = spec.train.masterPorts;
  return stated === undefined ? ofRecipe(spec) : portsOf(stated);
}

/** Ports of a list such as `6000,6010-6020`, in its order; what is no port of a program without rights is left out. */
export function portsOf(list: string): readonly number[] {
  return list.split(',').flatMap((part) => {
    const [from = 0, to = from] = part.split('-').map(Number);
    const ends = [Math.max(from, FIRST_PORT), Math.min(to, LAST_PORT)] as const;
    return Array.from({ length: Math.max(0, ends[1] - ends[0] + 1) }, (_, offset) => ends[0] + offset);
  });
}

const FIRST_PORT = 1_024;
const LAST_PORT = 65_535;
