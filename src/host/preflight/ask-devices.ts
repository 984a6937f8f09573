import type { PreflightFacts, PreflightProbe, PreflightRecipe, ProbeOutput } from '../../recipes/preflight.js';
import { runProbes } from './run-probe.js';

/** The outputs of a recipe's probes, and of those that it asks because of what the first ones said. */
export async function askDevices(
  { probes, followUps }: PreflightRecipe,
  facts: PreflightFacts,
  run: (probes: readonly PreflightProbe[]) => Promise<ReadonlyMap<string, ProbeOutput>> = runProbes,
): Promise<ReadonlyMap<string, ProbeOutput>> {
  const first = await run(probes?.(facts) ?? []);
  return new Map([...first, ...(await run(followUps?.(first, facts) ?? []))]);
}
