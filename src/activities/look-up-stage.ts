import { recordStage, linkExport } from '../host/run/run-folder.js';
import type { Receipt } from '../schemas/receipt.js';
import type { LookUpAnswer, StageCall, StageDone } from '../schemas/stage-calls.js';
import { absolute, doneFrom, gatherInputs, provenOutput } from './stage-inputs.js';
import type { StageHost } from './stage-host.js';

/** Answers from the store when the stage's output is proven already; quick, and asked before a host is taken. */
export async function lookUpStage(host: StageHost, call: StageCall): Promise<LookUpAnswer> {
  if (call.isFresh) return { v: 1, done: null };
  const startedAt = Date.now();
  const { key } = await gatherInputs(host, call);
  const receipt = await provenOutput(call.workspace, call.stage.name, key);
  if (receipt === null) return { v: 1, done: null };
  return { v: 1, done: await noteDone(call, receipt, true, Date.now() - startedAt) };
}

/** Notes in the run's folder how a stage was done. */
export async function noteDone(
  call: StageCall,
  receipt: Receipt,
  reused: boolean,
  durationMs: number,
): Promise<StageDone> {
  const { stage, key, digest, madeBy, outputs } = receipt;
  const record = {
    v: 1 as const,
    stage,
    key,
    digest,
    reused,
    host: madeBy.host,
    at: new Date().toISOString(),
    durationMs,
  };
  await recordStage(call.workspace, call.run, record, absolute(call.workspace, receipt.dir));
  const model = outputs['hf'];
  if (stage === 'export' && model !== undefined)
    await linkExport(call.workspace, call.run, absolute(call.workspace, model));
  return doneFrom(receipt, reused, durationMs);
}
