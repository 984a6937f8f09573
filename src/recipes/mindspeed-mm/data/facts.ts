import { z } from 'zod';
import { firstLateImage } from '../../../domain/data/text-runs.js';
import { problem } from '../../../domain/errors.js';
import { isTrial } from '../../../domain/provenance.js';
import { TextRunSchema } from '../../../schemas/data.js';
import type { Problem } from '../../../schemas/problem.js';
import type { PipelineSpec } from '../../../schemas/spec.js';
import { fetchFacts } from '../../fetch-commands.js';
import type { StageWork } from '../../recipe.js';
import { worldBatch } from '../../stage-drafts.js';
import { preprocessWorkers } from '../training/data-file.js';

const CheckReportSchema = z.looseObject({
  file: z.string(),
  rows: z.number(),
  textOnly: z.number(),
  distinctImages: z.number(),
  textRuns: z.array(TextRunSchema),
});
type CheckReport = z.infer<typeof CheckReportSchema>;

/** Where the data came from, from the manifests of what was fetched. */
export function dataFacts(
  spec: PipelineSpec,
  manifests: readonly unknown[],
): ReturnType<NonNullable<StageWork['facts']>> {
  const fetched = manifests.length === 0 ? { facts: {}, problems: [] } : fetchFacts(manifests);
  return { facts: { ...(isTrial(spec) ? { trial: true } : {}), ...fetched.facts }, problems: fetched.problems };
}

/** Facts of all data sets together, from the reports of their checks. */
export function checkFacts(
  spec: PipelineSpec,
  reports: readonly unknown[],
): ReturnType<NonNullable<StageWork['facts']>> {
  const parsed = z.array(CheckReportSchema).safeParse(reports);
  if (!parsed.success) {
    const why = parsed.error.message;
    return { facts: {}, problems: [problem('ProofFailed', { what: 'a data report has an unknown form', why })] };
  }
  const total = (key: 'rows' | 'textOnly' | 'distinctImages'): number =>
    parsed.data.reduce((sum, report) => sum + report[key], 0);
  return {
    facts: { rows: total('rows'), textOnly: total('textOnly'), images: total('distinctImages') },
    problems: [
      ...tooFewRows(spec, total('rows')),
      ...textBeforeImages(parsed.data),
      ...imagesTooLate(spec, parsed.data),
    ],
  };
}

/** The sampler divides by the steps that the rows make; all data sets are one for it. */
function tooFewRows(spec: PipelineSpec, rows: number): Problem[] {
  const batch = worldBatch(spec);
  if (rows >= batch) return [];
  const what = `${rows} rows in all data sets, one step of all ranks takes ${batch}`;
  const why = 'with fewer rows than one step takes, the sampler divides by zero after the model was loaded';
  const fix = 'add rows, or lower train.microBatchSize, fleet.hosts or fleet.npusPerHost';
  return [problem('ProofFailed', { what, why, where: 'data', fix })];
}

/** Sets that say that they have images come first; one that says so and has none must not be the first. */
function textBeforeImages([first, ...others]: readonly CheckReport[]): Problem[] {
  if (first === undefined || first.textOnly < first.rows || !others.some(({ rows, textOnly }) => textOnly < rows))
    return [];
  const what = `no row of ${first.file} has an image, and rows of a later data set have`;
  const why = 'the loader takes from the first file what an image is, and ends at the first image of a later one';
  const fix = 'remove images from the data set that has none, so that it comes after the others';
  return [problem('ProofFailed', { what, why, where: 'data', fix })];
}

/** Each worker of the loader gets an equal part of all rows, and learns from the first of them what an image is. */
function imagesTooLate(spec: PipelineSpec, reports: readonly CheckReport[]): Problem[] {
  if (spec.train.dataLoader?.streaming === true) return [];
  const workers = preprocessWorkers(spec);
  const late = firstLateImage(reports, workers);
  if (late === null) return [];
  const what = `row ${late.row} of ${late.file} has an image after 1000 rows and more without one`;
  const why = `each of ${workers} preprocessing workers takes a part of the rows, and from its first 1000 what an image is; where these have none, it ends at the first image, after the model was loaded`;
  const fix =
    'mix the rows of the file, or move those without an image to a data set of their own, without images: it comes after the others';
  return [problem('ProofFailed', { what, why, where: 'data', fix })];
}
