import { isAbsolute, join, relative } from 'node:path';
import { TemperError } from '../domain/errors.js';
import { runChecks } from '../host/checks.js';
import { findKeeper } from '../host/keeper/client.js';
import { assertAsProven } from '../host/ledger/find-seal.js';
import { tailLog } from '../host/processes/tail.js';
import { assertResources } from '../host/resources.js';
import { modelPlace } from '../host/models/model-place.js';
import { copyStageLogs } from '../host/run/stage-logs.js';
import { dropClaim } from '../host/store/claim.js';
import { entryDir, writeReceipt } from '../host/store/entry.js';
import { makeManifest, manifestDigest } from '../host/store/manifest.js';
import type { KeeperHandle } from '../host/keeper/handle.js';
import type { Command, Facts, ProducedStage, StageWork } from '../recipes/recipe.js';
import type { Receipt } from '../schemas/receipt.js';
import type { Progress } from '../schemas/run.js';
import type { StageCall, StageDone } from '../schemas/stage-calls.js';
import { readFactFiles } from '../host/fact-files.js';
import { writeFiles } from '../host/write-files.js';
import { abandonClaim, claimOutput } from './claim-output.js';
import { newestLine } from './command-progress.js';
import { describeExport } from './describe-export.js';
import { noteDone } from './look-up-stage.js';
import { isContinued } from './detached.js';
import { keeperOf } from './keeper-of.js';
import type { StageHost } from './stage-host.js';
import { gatherInputs, provenOutput, type StageInputs } from './stage-inputs.js';
import { assertSucceeded, supervise } from './training/supervise.js';

/**
 * Makes the output of a stage: claim, commands under keepers, proof, receipt. An output that another run made
 * meanwhile is taken; an interrupted attempt is continued where its command stands.
 */
export async function runStage(host: StageHost, call: StageCall): Promise<StageDone> {
  const startedAt = new Date();
  const inputs = await gatherInputs(host, call);
  const entry = entryDir(call.workspace, call.stage.name, inputs.key);
  const found = async (): Promise<Receipt | null> => {
    const receipt = await provenOutput(call.workspace, call.stage.name, inputs.key);
    // A fresh output is one that this try made.
    return receipt === null || (call.isFresh && !isMadeByTry(receipt, call)) ? null : receipt;
  };
  const claim = await claimOutput(host, call, entry, async () => (await found()) !== null);
  const elapsed = (): number => Date.now() - startedAt.getTime();
  if (claim === null) {
    const receipt = await found();
    if (receipt === null) throw new TypeError('a proven output vanished between two looks');
    return noteDone(call, receipt, !isMadeByTry(receipt, call), elapsed());
  }
  try {
    const out = join(entry, claim.out);
    const receipt = await produce(host, call, inputs, out, claim.at);
    await writeReceipt(call.workspace, receipt);
    await dropClaim(entry, claim);
    return await noteDone(call, receipt, false, Date.now() - Date.parse(claim.at));
  } catch (error) {
    if (!isContinued(error)) await abandonClaim(host, call, entry, claim);
    throw error;
  }
}

async function produce(
  host: StageHost,
  call: StageCall,
  { recipe, facts, key }: StageInputs,
  out: string,
  startedAt: string,
): Promise<Receipt> {
  const { stage, workspace, run } = call;
  const work = recipe.work(stage.name as ProducedStage, { ...facts, out });
  // What a command that runs already takes is not missing.
  const isBegun = work.commands.some(
    ({ step }) => findKeeper(host.scratch, keeperOf(call, step, call.tryNumber)) !== null,
  );
  const trained = facts.inputs.train?.outputs['checkpoint'];
  if (!isBegun) {
    await assertResources(workspace, work.resources ?? stage.resources);
    if (trained !== undefined) await assertAsProven(trained, recipe.checkpoint.layout);
  }
  await writeFiles(work.files);
  for (const command of work.commands) await runCommand(host, call, command);
  await runChecks(work.checks, recipe);
  await describeExport(call, { recipe, facts }, work.checks);
  const stageFacts = await readFacts(work, out);
  const manifest = await makeManifest(out, work.manyFiles);
  const outputs: Record<string, string> = {};
  for (const [name, path] of Object.entries(work.outputs)) {
    const place = await modelPlace(workspace, isAbsolute(path) ? path : join(out, path));
    outputs[name] = keepOutside(relative(workspace, place), path);
  }
  return {
    v: 1,
    stage: stage.name,
    key,
    dir: relative(workspace, out),
    outputs,
    facts: stageFacts,
    manifest,
    digest: manifest.length === 0 ? key : manifestDigest(manifest),
    madeBy: { run, host: host.name, owner: call.owner.firstRunId, tryNumber: call.tryNumber },
    startedAt,
    finishedAt: new Date().toISOString(),
  };
}

/** Adopted files lie anywhere: outside the workspace their path stays absolute. */
function keepOutside(relativePath: string, path: string): string {
  return relativePath.startsWith('..') ? path : relativePath;
}

async function runCommand(host: StageHost, call: StageCall, command: Command): Promise<void> {
  const progress = async (keeper: KeeperHandle): Promise<Partial<Progress>> => {
    await stopWhenLate(keeper, command);
    return newestLine(keeper);
  };
  const result = await supervise({ host, call, command, number: call.tryNumber, progress });
  await copyStageLogs(call.workspace, call.run, call.stage.name, command.step, result.keeper.paths);
  const { step, title = step, limit } = command;
  if (result.exit.stop?.reason === TOO_LATE && limit !== undefined) {
    throw new TemperError('CommandFailed', {
      where: `${result.keeper.id}: ${result.keeper.paths.stderr}`,
      what: `${title} took longer than ${Math.ceil(limit.ms / 1_000)} s and was stopped`,
      fix: limit.fix,
      evidence: (await tailLog(result.keeper.paths.stderr, { maxLines: 12 })).lines,
    });
  }
  await assertSucceeded(title, result);
}

/** Reason with which a command is stopped that takes longer than it may. */
const TOO_LATE = 'it took too long';

/** Counted from the start of the command itself, whichever worker looks. */
async function stopWhenLate(keeper: KeeperHandle, { limit }: Command): Promise<void> {
  if (limit === undefined) return;
  const status = await keeper.status();
  if (status.state !== 'running') return;
  if (Date.now() - Date.parse(status.record.startedAt) > limit.ms) await keeper.stop({ reason: TOO_LATE });
}

async function readFacts(work: StageWork, out: string): Promise<Facts> {
  if (work.facts === undefined) return {};
  const { facts, problems } = work.facts(await readFactFiles(out, work.factFiles ?? []));
  const [first] = problems;
  if (first !== undefined) {
    const { what, where, fix } = first;
    const evidence = problems.flatMap((one) => [one.what, ...(one.evidence ?? [])]);
    throw new TemperError('ProofFailed', { what, fix, evidence, ...(where === undefined ? {} : { where }) });
  }
  return facts;
}

function isMadeByTry({ madeBy }: Receipt, { run, owner, tryNumber }: StageCall): boolean {
  return madeBy.run === run && madeBy.owner === owner.firstRunId && madeBy.tryNumber === tryNumber;
}
