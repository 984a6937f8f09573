import { join, relative } from 'node:path';
import { fetchAnnotations, fetchImages } from '../../fetch-commands.js';
import type { Fetched } from '../../fetch-commands.js';
import type { Command, StageFacts, StageWork } from '../../recipe.js';
import { temper } from '../commands.js';
import { dataFacts } from './facts.js';
import { preparedSets, RESERVED_TOKENS, rowsOutput, WHOLE_PATHS, wholePathPrefix } from './sets.js';
import type { PreparedSet, ReadSet } from './sets.js';

/**
 * Fetches and converts the data sets (guide, chapter 3). What depends on how they are trained is judged by a stage of
 * its own, so that another sequence length does not unpack all images again.
 */
export function dataWork(facts: StageFacts): StageWork {
  const images = imagesOnce(facts);
  const works = preparedSets(facts.spec).map((prepared) => setWork(facts, prepared, images(prepared.set)));
  const used = works.find(({ imageRoot }) => imageRoot !== WHOLE_PATHS);
  return {
    files: [],
    commands: works.flatMap(({ commands }) => commands),
    checks: [],
    outputs: {
      ...Object.fromEntries(works.map(({ file }, index) => [rowsOutput(index), file])),
      imageRoot: used?.imageRoot ?? WHOLE_PATHS,
    },
    // 118,000 unpacked images are one entry of the receipt.
    manyFiles: works.flatMap(({ unpacked }) => unpacked),
    factFiles: works.flatMap(({ manifests }) => manifests),
    facts: (manifests) => dataFacts(facts.spec, manifests),
  };
}

interface SetWork {
  readonly commands: readonly Command[];
  readonly file: string;
  readonly imageRoot: string;
  readonly manifests: readonly string[];
  /** Folders of images in the output, relative to it. */
  readonly unpacked: readonly string[];
}

function setWork(facts: StageFacts, { set, isWritten }: PreparedSet, images: Fetched | null): SetWork {
  const rows = fetchAnnotations(facts, set);
  const file = isWritten ? join(facts.out, `${set.name}.json`) : rows.path;
  // Without a folder every image of a row is missing, so text-only sets stay text-only.
  const imageRoot = isWritten || images === null ? WHOLE_PATHS : images.path;
  const isUnpacked = set.images?.zip !== undefined || set.images?.hub !== undefined;
  return {
    commands: [
      ...rows.commands,
      ...(images?.commands ?? []),
      ...(isWritten ? [convert(facts, set, { rows: rows.path, images: images?.path, isUnpacked, output: file })] : []),
    ],
    file,
    imageRoot,
    manifests: [...rows.manifests, ...(images?.manifests ?? [])],
    unpacked: isUnpacked && images !== null && images.commands.length > 0 ? [relative(facts.out, images.path)] : [],
  };
}

/** Images of each set; those that several sets share are brought once. */
function imagesOnce(facts: StageFacts): (set: ReadSet) => Fetched | null {
  const known = new Map<string, Fetched>();
  return (set) => {
    const source = JSON.stringify(set.images ?? null);
    const before = known.get(source);
    if (before !== undefined) return { ...before, commands: [], manifests: [] };
    const images = fetchImages(facts, set);
    if (images !== null) known.set(source, images);
    return images;
  };
}

interface Conversion {
  readonly rows: string;
  readonly images: string | undefined;
  readonly isUnpacked: boolean;
  readonly output: string;
}

function convert(facts: StageFacts, set: ReadSet, { rows, images, isUnpacked, output }: Conversion): Command {
  return temper(facts, `convert-${set.name}`, [
    ...['data', 'convert', '--format', set.format, '--annotations', rows, '--output', output],
    ...(images === undefined ? [] : ['--images', images, '--media-prefix', wholePathPrefix(images)]),
    // The archive of COCO holds one folder, train2017; names in the rows are relative to that.
    ...(isUnpacked ? ['--enter-only-folder'] : []),
    // Ready rows are taken whole or not at all.
    ...['--max-dropped', set.format === 'llava' ? set.maxDropped : '0%'],
    ...(set.maxSamples === undefined ? [] : ['--max-samples', String(set.maxSamples)]),
    ...RESERVED_TOKENS,
    ...['--report', join(facts.out, `convert-${set.name}.report.json`)],
  ]);
}
