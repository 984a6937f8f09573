import { closeComparison, compareTokens } from '../host/preflight/compare.js';
import { doctorLook } from '../host/preflight/doctor.js';
import { plannedLaunch } from '../recipes/planned-launch.js';
import type { CompareAnswer, DoctorCall, DoctorLook } from '../schemas/preflight.js';
import type { StageHost } from './stage-host.js';

/** One step of `temper doctor` on this host. */
export async function doctor(host: StageHost, call: DoctorCall): Promise<DoctorLook | CompareAnswer> {
  const launch = plannedLaunch(call.specText, (id) => host.findRecipe(id));
  if (call.step === 'look') return doctorLook(host, launch, call.round);
  if (launch === null) return { v: 1, checks: [] };
  const comparison = { workspace: launch.spec.workspace, scratch: host.scratch, round: call.round, host: host.name };
  const checks =
    call.step === 'compare'
      ? await compareTokens(comparison, call.hosts)
      : (await closeComparison(comparison, call.hosts)).checks;
  return { v: 1, checks: [...checks] };
}
