import { TemperError } from '../domain/errors.js';
import { fingerprint } from '../domain/fingerprint.js';
import { readEnvironment, writeEnvironment } from '../host/environment-file.js';
import { findKeeper } from '../host/keeper/client.js';
import { networkEnvironment } from '../host/network-files.js';
import { tailLog } from '../host/processes/tail.js';
import { assertDisk } from '../host/resources.js';
import { copyStageLogs } from '../host/run/stage-logs.js';
import { writeLock } from '../host/run/lock-file.js';
import type { Command, EnvironmentReading } from '../recipes/recipe.js';
import type { EnvironmentAnswer, StageCall } from '../schemas/stage-calls.js';
import { keeperOf } from './keeper-of.js';
import { ensureLocalCopy } from './training/local-copy.js';
import { gatherBasics } from './stage-inputs.js';
import type { StageHost } from './stage-host.js';
import { assertSucceeded, supervise } from './training/supervise.js';
import { withSharedClaim } from './shared-environment.js';

/**
 * Makes sure of this host's software: a quick probe, commands that repair exactly what differs, a second probe, and the
 * slow proof when the answer is new. An environment that all hosts share is repaired by one of them at a time.
 *
 * A try of the activity that follows a killed one meets the same keepers in the same order, so it goes on where the
 * killed one stood.
 */
export async function ensureEnvironment(host: StageHost, call: StageCall): Promise<EnvironmentAnswer> {
  const basics = await gatherBasics(host, call);
  const { recipe, spec, tools } = basics;
  const reading = await settle({ host, call, ...basics });
  const { lock, warnings = [] } = reading;
  const digest = fingerprint(lock);
  const proven = await readEnvironment(host.scratch, recipe.id, tools.python);
  const reused = proven?.digest === digest;
  if (!reused) {
    await ask(host, call, recipe.environment.prove(tools, spec));
    await writeEnvironment(host.scratch, recipe.id, tools.python, lock);
  }
  await writeLock(call.workspace, call.run, { environment: { digest, versions: { ...lock } } });
  // Asked for the training, the host is about to be used by it.
  if (call.stage.name === 'train') await ensureLocalCopy(host, call, spec);
  return {
    v: 1,
    host: host.name,
    lock: { ...lock },
    digest,
    reused,
    ...(warnings.length === 0 ? {} : { warnings: [...warnings] }),
  };
}

type Site = { readonly host: StageHost; readonly call: StageCall } & Awaited<ReturnType<typeof gatherBasics>>;

/** What is there in the end, when nothing differs any more. */
async function settle(site: Site): Promise<EnvironmentReading> {
  const { host, call, recipe, spec } = site;
  const first = await look(site, 'probe');
  if ((first.repairs ?? []).length === 0) return first;
  const place = recipe.environment.place?.(spec, host.scratch);
  if (place?.isShared === true) {
    // While this host waited, another may have made everything right.
    await withSharedClaim(host, call, place.root, async () => repair(site, await look(site, 'probe-holding')));
  } else {
    await repair(site, first);
  }
  const last = await look(site, 'probe-again');
  if ((last.repairs ?? []).length === 0) return last;
  throw new TemperError('EnvironmentUnfit', {
    where: host.name,
    what: `the environment still differs after it was repaired: ${(last.differences ?? []).join('; ')}`,
    why: 'another installation changed it meanwhile, or a package undoes what another one needs',
    evidence: last.differences ?? [],
  });
}

async function look({ host, call, recipe, spec, tools }: Site, step: string): Promise<EnvironmentReading> {
  const probed = await ask(host, call, { ...recipe.environment.probe(tools, spec), step });
  const reading = recipe.environment.read(probed, spec, tools);
  const [first] = reading.problems;
  if (first === undefined) return reading;
  throw new TemperError('EnvironmentUnfit', {
    where: host.name,
    what: first.what,
    ...(first.why === undefined ? {} : { why: first.why }),
    fix: first.fix,
    evidence: reading.problems.map(({ what }) => what),
  });
}

async function repair(site: Site, reading: EnvironmentReading): Promise<void> {
  const { host, call, spec } = site;
  const { repairs = [] } = reading;
  await assertRoom(site, reading);
  const network = await networkEnvironment(host.scratch, host.network, spec.environment.offline === true);
  for (const command of repairs) {
    const reaching = command.isRemote === true ? { ...command, env: { ...network, ...command.env } } : command;
    const result = await supervise({
      host,
      call,
      command: reaching,
      number: call.tryNumber,
      progress: async ({ paths }) => {
        const { lines } = await tailLog(paths.stderr, { maxBytes: 4_096, maxLines: 1 });
        // Why it is installed would read as what is wrong now.
        const [line] = lines;
        return { phase: 'installing', ...(line === undefined ? {} : { text: line.trim().slice(0, 160) }) };
      },
    });
    await copyStageLogs(call.workspace, call.run, 'environment', `${host.name}-${command.step}`, result.keeper.paths);
    await assertSucceeded(command.step, result);
  }
}

/** Fails before hours are spent on clones and packages that the disk cannot hold. */
async function assertRoom({ host, call, recipe, spec }: Site, reading: EnvironmentReading): Promise<void> {
  const { repairs: [first] = [], repairBytes = 0 } = reading;
  const place = recipe.environment.place?.(spec, host.scratch);
  if (first === undefined || place === undefined) return;
  // What an installation that was begun has written is not missing.
  if (findKeeper(host.scratch, keeperOf(call, first.step, call.tryNumber)) !== null) return;
  await assertDisk(place.root, repairBytes, `for the environment in ${place.root}`);
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
