import { showBytes } from './text/show-bytes.js';
import { stringify } from 'yaml';
import type { Provenance } from '../schemas/provenance.js';
import { parseRemote } from './remote-source.js';

/** What the exported folder itself tells about how it is loaded. */
export interface CardFacts {
  readonly provenance: Provenance;
  /** Class of transformers that config.json names; null when it names none. */
  readonly architecture: string | null;
  /** Whether inputs go through a processor (images and text) or a tokenizer; null: neither is there. */
  readonly input: 'processor' | 'tokenizer' | null;
  /** Front matter of the original's card; null when it has no card, or one that cannot be read. */
  readonly originalMatter: Readonly<Record<string, unknown>> | null;
  /** Name of the copy of the original's card in the folder; null when the original has none. */
  readonly originalCard: string | null;
}

/** Text of the model card (`README.md`), with the front matter that hubs read. */
export function modelCard(facts: CardFacts): string {
  const { provenance } = facts;
  const { base, run, trial } = provenance;
  const sections = [
    `# ${run}`,
    ...(trial ? ['**A trial: trained on a part of its data, to try something out. Not meant for use.**'] : []),
    ...(base.reduceLayers === null
      ? []
      : [
          `**A reduced model with ${base.reduceLayers} text layers, for debugging. It is no release of the original.**`,
        ]),
    `Fine-tuned from ${code(base.source)} by Temper ${provenance.temper} with the recipe ${code(provenance.recipe.id)}. ` +
      '`provenance.json` in this folder holds the same facts and all digests.',
    ...continued(base),
    ...loading(facts),
    ...training(provenance),
    ...restarts(provenance),
    '## Data',
    table(
      ['data set', 'format', 'source', 'images'],
      provenance.data.sets.map(({ name, format, source, images }) => [
        ...[code(name), format, code(source)],
        images === undefined ? 'none' : code(images),
      ]),
    ),
    dataLine(provenance),
    '## Software',
    table(
      ['name', 'version or commit'],
      Object.entries(provenance.software).map(([name, version]) => [name, code(version)]),
    ),
    ...(facts.originalCard === null
      ? []
      : [
          '## The original',
          `The card of the model that this one was made from: [${facts.originalCard}](${facts.originalCard}).`,
        ]),
  ];
  return `---\n${stringify(frontMatter(facts))}---\n\n${sections.join('\n\n')}\n`;
}

/** Fields of the original's front matter that are true for what is made from it. */
const INHERITED = ['license', 'license_name', 'license_link', 'language', 'pipeline_tag'] as const;

function frontMatter({ provenance, architecture, originalMatter }: CardFacts): Record<string, unknown> {
  const { base, data, trial } = provenance;
  const baseModel = hubId(base.source, 'model');
  const datasets = [...new Set(data.sets.flatMap(({ source }) => hubId(source, 'dataset') ?? []))];
  return {
    ...(baseModel === null ? {} : { base_model: baseModel, base_model_relation: 'finetune' }),
    ...(architecture === null ? {} : { library_name: 'transformers' }),
    ...Object.fromEntries(
      INHERITED.flatMap((key) => (originalMatter?.[key] === undefined ? [] : [[key, originalMatter[key]]])),
    ),
    ...(datasets.length === 0 ? {} : { datasets }),
    tags: ['temper', ...(trial ? ['trial'] : [])],
  };
}

/** `OWNER/NAME` of a source on Hugging Face: what ids in a front matter mean. */
function hubId(source: string, repoKind: 'model' | 'dataset'): string | null {
  const remote = parseRemote(source);
  return typeof remote !== 'string' && remote.kind === 'hub' && remote.hub === 'hf' && remote.repoKind === repoKind
    ? remote.id
    : null;
}

/** Whether more went into it than the base and this training. */
function continued({ continuedFrom }: Provenance['base']): string[] {
  if (continuedFrom === undefined) return [];
  const { iteration, digest } = continuedFrom;
  const what = iteration === null ? 'converted weights' : `a checkpoint at iteration ${iteration}`;
  return [`The training went on from ${what} of another run, digest ${code(digest)}.`];
}

function loading({ provenance, architecture, input }: CardFacts): string[] {
  const { tensors, bytes, dtype } = provenance.export;
  const weights = `${tensors} tensors, ${showBytes(bytes)}, ${dtype === 'bf16' ? 'BF16 as the original' : 'F32 as trained'}.`;
  if (architecture === null) return ['## Loading', `${weights} config.json names no class of transformers.`];
  const transformers = provenance.software['transformers'];
  const auto = input === 'processor' ? 'AutoProcessor' : 'AutoTokenizer';
  const known = transformers === undefined ? '' : ` The model was trained with transformers ${code(transformers)}.`;
  const lines = [
    `from transformers import ${[...(input === null ? [] : [auto]), architecture].join(', ')}`,
    '',
    'folder = "."  # this folder, or the id of the model on a hub',
    `model = ${architecture}.from_pretrained(folder, dtype="auto")`,
    ...(input === null ? [] : [`${input} = ${auto}.from_pretrained(folder)`]),
  ];
  return ['## Loading', `${weights}${known}`, `\`\`\`python\n${lines.join('\n')}\n\`\`\``];
}

function training({ training: t }: Provenance): string[] {
  const rows: string[][] = [
    ['iterations', String(t.iterations)],
    ['global batch size', String(t.microBatchSize * t.gradientAccumulation * t.hosts * t.ranksPerHost)],
    ['hosts x ranks', `${t.hosts} x ${t.ranksPerHost}`],
    ['sequence length', String(t.sequenceLength)],
    ['learning rate', String(t.learningRate)],
    ...(t.loss === null ? [] : [['loss', code(t.loss)]]),
    ['frozen', t.frozen.length === 0 ? 'nothing' : t.frozen.map(code).join(', ')],
    ['first and last loss', `${t.firstLoss ?? 'unknown'}, ${t.lastLoss ?? 'unknown'}`],
    ['finished', t.finishedAt],
  ];
  return ['## Training', table(['', ''], rows)];
}

function restarts({ training: { restarts: all, attempts } }: Provenance): string[] {
  if (all.length === 0) return [`${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}, no restarts.`];
  return [
    `${attempts} attempts. What ended the others:`,
    table(
      ['attempt', 'time', 'cause', 'reaction', 'went on from iteration'],
      all.map(({ attempt, at, cause, reaction, resumedFrom }) => [
        String(attempt),
        at,
        cause,
        reaction,
        resumedFrom === null ? 'unknown' : String(resumedFrom),
      ]),
    ),
  ];
}

function dataLine({ data }: Provenance): string {
  const rows = data.rows === null ? 'Rows were not counted' : `${data.rows} rows`;
  const images = data.images === null || data.images === 0 ? '' : ` with ${data.images} images`;
  return `${rows}${images}; digest ${code(data.digest)}.`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Text of others as code that ends no table cell and no code of its own. */
function code(text: string): string {
  return `\`${text.replaceAll(/[`|\r\n]/g, ' ')}\``;
}
