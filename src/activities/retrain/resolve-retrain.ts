import { cancellationSignal } from '@temporalio/activity';
import { TemperError } from '../../domain/errors.js';
import { hubFields, pinCommit } from '../../domain/retrain/hub-inputs.js';
import { inputsFingerprint, placeFiles, setWeights } from '../../domain/retrain/inputs.js';
import { fillDates } from '../../domain/retrain/dates.js';
import { retrainRun } from '../../domain/retrain/run-name.js';
import { readStoredSpec } from '../../domain/spec/read-spec.js';
import { contentDigest } from '../../host/models/content-digest.js';
import { openDigests } from '../../host/models/digests.js';
import { findFiles } from '../../host/models/find-files.js';
import { resolveHubRevision } from '../../host/models/hub-revision.js';
import { settle } from '../../host/models/pointer.js';
import { rejectedInputs } from '../../host/models/promote.js';
import { readVersion, versionModel } from '../../host/models/versions.js';
import { planFromText } from '../../recipes/plan-from-text.js';
import type { PipelinePlan, Source } from '../../schemas/plan.js';
import type { DailyInput, ResolveAnswer, ResolveCall, RetrainInput } from '../../schemas/retrain.js';
import type { PipelineSpec } from '../../schemas/spec.js';
import { beating } from './beating.js';
import { claimModel, giveModelBack } from './claim-model.js';
import { assertHistory, heldBack } from './schedule-facts.js';

/** What the inputs of a retrain are for the time that it was scheduled for, and whether there is anything to train. */
export function resolveRetrain(call: ResolveCall): Promise<ResolveAnswer> {
  return beating(call.input.timing, 'resolving the inputs', () => resolveAlone(call));
}

/** Whoever trains has the model from here on, so that what is resolved stays so. */
async function resolveAlone(call: ResolveCall): Promise<ResolveAnswer> {
  const { input, at } = call;
  const skipped = (skip: string): ResolveAnswer => {
    return { v: 1, specText: input.specText, fingerprint: '', promoted: null, skip };
  };
  const paused = await heldBack(call);
  if (paused !== null) return skipped(paused);
  // Before the claim, which makes the folder of the model.
  await assertHistory(input);
  const holder = await claimModel(input, retrainRun(input.schedule, at));
  if (holder !== null) return skipped(`another retrain of model ${input.model} runs: ${holder}`);
  const answer = await resolve(call);
  if (answer.skip !== null) await giveModelBack(input);
  return answer;
}

async function resolve({ input, at }: ResolveCall): Promise<ResolveAnswer> {
  const { workspace, model, startFrom } = input;
  const changes = await settle(workspace, model);
  const promoted = changes.at(-1)?.to ?? null;
  const dated = fillDates(input.specText, at, input.when.timezone);
  const placed = await placeInputs(dated, input, at);
  if ('missing' in placed) return { v: 1, specText: dated, fingerprint: '', promoted, skip: placed.missing };
  const { plan, spec } = read(placed.text, retrainRun(input.schedule, at));
  const sources = await digestSources(plan, input);
  if ('missing' in sources)
    return { v: 1, specText: placed.text, fingerprint: '', promoted, skip: `${sources.missing} is not there` };
  const fingerprint = inputsFingerprint(spec, plan.recipe, sources, startFrom);
  const current = promoted === null ? null : await readVersion(workspace, model, promoted);
  const specText =
    startFrom === 'promoted' && promoted !== null
      ? setWeights(placed.text, `path:${versionModel(workspace, model, promoted)}`)
      : placed.text;
  return { v: 1, specText, fingerprint, promoted, skip: skipReason(fingerprint, current, rejectedInputs(changes)) };
}

type Digested = { readonly source: Source; readonly digest: string }[];

async function digestSources(plan: PipelinePlan, input: RetrainInput): Promise<Digested | { missing: string }> {
  const digests = await openDigests(input.workspace, input.model);
  const sources: Digested = [];
  let isAll = false;
  try {
    for (const source of plan.stages.flatMap((stage) => stage.sources)) {
      const digest = await contentDigest(source.path, (file) => digests.hash(file));
      if (digest !== null) {
        sources.push({ source, digest });
        continue;
      }
      // A file of the day that has not come is no failure; one that the spec names outright is.
      if (!input.specText.includes(source.path)) return { missing: source.path };
      throw new TemperError('SourceMissing', { where: source.field, what: `${source.path} is not there` });
    }
    isAll = true;
    return sources;
  } finally {
    // Also after a failure: the next try need not read all of it again.
    await digests.save(isAll);
  }
}

function skipReason(
  fingerprint: string,
  current: { readonly version: number; readonly fingerprint: string | null } | null,
  rejected: ReadonlyMap<string, number>,
): string | null {
  if (current?.fingerprint === fingerprint) return `the inputs are those of the promoted model ${current.version}`;
  const given = rejected.get(fingerprint);
  return given === undefined ? null : `the inputs are those of model ${given}, which was rolled back`;
}

async function placeInputs(
  specText: string,
  input: RetrainInput,
  at: string,
): Promise<{ readonly text: string } | { readonly missing: string }> {
  let text = specText;
  for (const daily of input.inputs) {
    const placed =
      'hub' in daily ? { text: await withCommits(text, daily.hub) } : await placeGlob(text, daily, input, at);
    if ('missing' in placed) return placed;
    text = placed.text;
  }
  return { text };
}

async function placeGlob(
  text: string,
  { data, glob, newest }: Extract<DailyInput, { glob: string }>,
  { when: { timezone } }: RetrainInput,
  at: string,
): Promise<{ readonly text: string } | { readonly missing: string }> {
  const pattern = fillDates(glob, at, timezone);
  const files = await findFiles(pattern);
  if (files.length === 0) return { missing: `no file matches ${pattern}` };
  const placed = placeFiles(text, data, newest === undefined ? files : files.slice(-newest));
  if ('why' in placed) {
    const { why: what, fix } = placed;
    throw new TemperError('SpecInvalid', { where: `inputs: ${pattern}`, what, ...(fix === undefined ? {} : { fix }) });
  }
  return placed;
}

async function withCommits(specText: string, input: string): Promise<string> {
  const { spec } = readStoredSpec(specText);
  if (spec === null) throw new TemperError('SpecInvalid', { what: 'the spec of the schedule cannot be read' });
  const fields = hubFields(spec, input);
  if (typeof fields === 'string') throw new TemperError('SpecInvalid', { where: `inputs: hub ${input}`, what: fields });
  let text = specText;
  for (const field of fields)
    text = pinCommit(text, field, await resolveHubRevision(field.source, cancellationSignal()));
  return text;
}

function read(text: string, run: string): { plan: PipelinePlan; spec: PipelineSpec } {
  const planned = planFromText(text, run, []);
  const { spec } = readStoredSpec(text, { file: `${run}/spec.yaml` });
  if (planned.plan !== null && spec !== null) return { plan: planned.plan, spec };
  const [first] = planned.plan === null ? planned.problems : [];
  throw new TemperError('SpecInvalid', {
    where: run,
    what: `the spec is not valid with the inputs of the day: ${first?.what ?? ''}`,
    evidence: planned.plan === null ? planned.problems.map(({ where, what }) => `${where ?? ''}: ${what}`) : [],
  });
}
