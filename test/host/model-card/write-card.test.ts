import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { writeModelCard } from '../../../src/host/model-card/write-card.js';
import { ProvenanceSchema, type Provenance } from '../../../src/schemas/provenance.js';

const GOLDEN: Provenance = ProvenanceSchema.parse(
  JSON.parse(readFileSync(new URL('../../fixtures/formats/provenance/v1.json', import.meta.url), 'utf8')),
);
const CARD =
  '---\nlicense: mit\nlanguage: [en, zh]\npipeline_tag: image-text-to-text\nbase_model: other/one\n---\n# Base\n';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'temper-card-'));
  for (const name of ['original', 'hf']) mkdirSync(join(root, name));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const at = (...parts: string[]): string => join(root, ...parts);
const read = (name: string): string => readFileSync(at('hf', name), 'utf8');
const write = (provenance: Provenance = GOLDEN): Promise<void> => writeModelCard(at('hf'), at('original'), provenance);
function matter(): unknown {
  return parse(read('README.md').split('---\n')[1] ?? '');
}

describe('the model card', () => {
  it('has the front matter that hubs read: base model, licence of the original, data sets, tags', async () => {
    writeFileSync(at('original/README.md'), CARD);
    writeFileSync(at('hf/config.json'), JSON.stringify({ architectures: ['Glm4vMoeForConditionalGeneration'] }));
    const sets = [{ name: 'llava', format: 'llava', source: 'hf-dataset:liuhaotian/LLaVA-Instruct-150K/rows.json' }];
    await write({ ...GOLDEN, data: { ...GOLDEN.data, sets } });
    expect(matter()).toEqual({
      base_model: 'owner/model',
      base_model_relation: 'finetune',
      library_name: 'transformers',
      license: 'mit',
      language: ['en', 'zh'],
      pipeline_tag: 'image-text-to-text',
      datasets: ['liuhaotian/LLaVA-Instruct-150K'],
      tags: ['temper'],
    });
  });

  it('says how to load the model, by its own configuration', async () => {
    writeFileSync(at('hf/config.json'), JSON.stringify({ architectures: ['Glm4vMoeForConditionalGeneration'] }));
    writeFileSync(at('hf/preprocessor_config.json'), '{}');
    await write();
    expect(read('README.md')).toContain('from transformers import AutoProcessor, Glm4vMoeForConditionalGeneration\n');
    expect(read('README.md')).toContain(
      'model = Glm4vMoeForConditionalGeneration.from_pretrained(folder, dtype="auto")',
    );
    rmSync(at('hf/preprocessor_config.json'));
    writeFileSync(at('hf/tokenizer_config.json'), '{}');
    await write();
    expect(read('README.md')).toContain('tokenizer = AutoTokenizer.from_pretrained(folder)');
  });

  it('makes no program of a name that is none', async () => {
    writeFileSync(at('hf/config.json'), JSON.stringify({ architectures: ['os; import this'] }));
    await write();
    expect(read('README.md')).not.toContain('import this');
    expect(read('README.md')).toContain('names no class of transformers');
  });

  it('tells losses, data and restarts, and marks trials and reduced models', async () => {
    await write({ ...GOLDEN, trial: true, base: { ...GOLDEN.base, reduceLayers: 4 } });
    const card = read('README.md');
    expect(card).toContain('| 1 | 2026-01-04T10:00:00.000Z | rank-killed | restart | 4500 |');
    expect(card).toContain('| first and last loss | 2.5, unknown |');
    expect(card).toContain('157712 rows; digest `d-data`');
    expect(card).toContain('A trial');
    expect(card).toContain('4 text layers');
    expect(matter()).toMatchObject({ tags: ['temper', 'trial'] });
  });

  it('keeps the card of the original beside it, however often it is written', async () => {
    writeFileSync(at('original/README.md'), CARD);
    // An exporter copied the original's files.
    writeFileSync(at('hf/README.md'), CARD);
    await write();
    const first = [read('README.md'), read('README.original.md')];
    await write();
    expect([read('README.md'), read('README.original.md')]).toEqual(first);
    expect(first[1]).toBe(CARD);
    expect(first[0]).toContain('[README.original.md](README.original.md)');
  });

  it('of a model that was made from an export keeps the card of that one, not of its ancestor', async () => {
    writeFileSync(at('original/README.md'), '# second\n');
    for (const dir of ['original', 'hf']) writeFileSync(at(dir, 'README.original.md'), '# first\n');
    await write();
    expect(read('README.original.md')).toBe('# second\n');
    rmSync(at('original/README.md'));
    await write();
    expect(readdirSync(at('hf')).toSorted()).toEqual(['README.md', 'provenance.json']);
  });

  it.each(['---\nlicense: [\n---\n', 'no matter\n', '---\n- a\n---\n'])(
    'takes nothing from front matter that cannot be read: %j',
    async (card) => {
      writeFileSync(at('original/README.md'), card);
      await write();
      expect(matter()).not.toHaveProperty('license');
      expect(read('README.original.md')).toBe(card);
    },
  );

  it('has the provenance beside it', async () => {
    await write();
    expect(ProvenanceSchema.parse(JSON.parse(read('provenance.json')))).toEqual(GOLDEN);
  });
});
