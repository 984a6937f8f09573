import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import writeFileAtomic from 'write-file-atomic';
import { modelCard } from '../../domain/model-card.js';
import type { Provenance } from '../../schemas/provenance.js';
import { writeJsonFile } from '../json-file.js';
import { isObject, parseJsonObject } from '../safetensors/json-object.js';

const CARD = 'README.md';
/** Where the card of the original model is kept beside the new one. */
const ORIGINAL_CARD = 'README.original.md';

/**
 * Writes `provenance.json` and the model card into an exported folder. The card of the original, which exporters copy
 * or not, stays beside it; everything is taken from the original, so a repeated call after a kill gives the same.
 */
export async function writeModelCard(dir: string, original: string, provenance: Provenance): Promise<void> {
  const card = await readFile(join(original, CARD), 'utf8').catch(() => null);
  const kept = join(dir, ORIGINAL_CARD);
  if (card === null) await rm(kept, { force: true });
  else await writeFileAtomic(kept, card);
  const text = modelCard({
    provenance,
    architecture: await readArchitecture(dir),
    input: await inputOf(dir),
    originalMatter: card === null ? null : readMatter(card),
    originalCard: card === null ? null : ORIGINAL_CARD,
  });
  await writeJsonFile(join(dir, 'provenance.json'), provenance);
  await writeFileAtomic(join(dir, CARD), text);
}

/** The class that config.json names; a text that is no name of a class would become part of a program. */
async function readArchitecture(dir: string): Promise<string | null> {
  const config = parseJsonObject(await readFile(join(dir, 'config.json')).catch(() => Buffer.alloc(0)));
  const named = config?.['architectures'];
  const [first]: readonly unknown[] = Array.isArray(named) ? named : [];
  return typeof first === 'string' && /^[A-Za-z_]\w{0,99}$/.test(first) ? first : null;
}

async function inputOf(dir: string): Promise<'processor' | 'tokenizer' | null> {
  const has = async (name: string): Promise<boolean> => (await readFile(join(dir, name)).catch(() => null)) !== null;
  if ((await has('preprocessor_config.json')) || (await has('processor_config.json'))) return 'processor';
  return (await has('tokenizer_config.json')) ? 'tokenizer' : null;
}

/** The front matter of a card, or null. */
function readMatter(card: string): Readonly<Record<string, unknown>> | null {
  const text = /^\uFEFF?---\r?\n([\s\S]*?)\r?\n---\s*(\r?\n|$)/.exec(card)?.[1];
  if (text === undefined) return null;
  try {
    // Aliases of one card could blow up to any size.
    const matter: unknown = parse(text, { maxAliasCount: 0 });
    return isObject(matter) ? matter : null;
  } catch {
    return null;
  }
}
