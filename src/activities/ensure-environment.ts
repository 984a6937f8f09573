import { TemperError } from '../domain/errors.js';
import { fingerprint } from '../domain/fingerprint.js';
import { readEnvironment, writeEnvironment } from '../host/environment-file.js';
import { tailLog } from '../host/processes/tail.js';
import type { Command } from '../recipes/recipe.js';
import type { EnvironmentAnswer, StageCall } from '../schemas/stage-calls.js';
import { gatherBasics } from './stage-inputs.js';
import type { StageHost } from './stage-host.js';
import { assertSucceeded, supervise } from './supervise.js';

/**
 * Makes sure of this host's software: a quick probe each time, the slow proof only when the probe's answer is new.
 * Changes nothing.
 */
export async function ensureEnvironment(host: StageHost, call: StageCall): Promise<EnvironmentAnswer> {
  const { spec, recipe, tools } = await gatherBasics(host, call);
  const probed = await ask(host, call, recipe.environment.probe(tools, spec));
  const { lock, problems } = recipe.environment.read(probed, spec);
  const [first] = problems;
  if (first !== undefined) {
    throw new TemperError('EnvironmentUnfit', {
      where: host.name,
      what: first.what,
      fix: first.fix,
      evidence: problems.map(({ what }) => what),
    });
  }
  const digest = fingerprint(lock);
  const proven = await readEnvironment(host.scratch, recipe.id, tools.python);
  const reused = proven?.digest === digest;
  if (!reused) {
    await ask(host, call, recipe.environment.prove(tools, spec));
    await writeEnvironment(host.scratch, recipe.id, tools.python, lock);
  }
  return { v: 1, host: host.name, lock: { ...lock }, digest, reused };
}

/** Runs a probe under a keeper and parses the JSON line that it prints last. */
async function ask(host: StageHost, call: StageCall, command: Command): Promise<unknown> {
  const result = await supervise({
    host,
    call,
    command,
    number: call.tryNumber,
    progress: async () => ({ phase: 'probing' }),
  });
  await assertSucceeded(command.step, result);
  const { lines } = await tailLog(result.keeper.paths.stdout, { maxLines: 1 });
  try {
    return JSON.parse(lines.at(-1) ?? '');
  } catch {
    throw new TemperError('EnvironmentUnfit', {
      where: `${host.name}: ${result.keeper.paths.stdout}`,
      what: 'the probe of the environment printed no JSON line',
    });
  }
}
