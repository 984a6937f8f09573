import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ProvenEnvironmentSchema } from '../../src/host/environment-file.js';

const SCHEMAS = new URL('../../src/schemas/', import.meta.url);
const FIXTURES = new URL('../fixtures/formats/', import.meta.url);
/** Both sides of one talk share a fixture; test/host/keeper/formats.test.ts reads it. */
const ELSEWHERE: ReadonlySet<string> = new Set(['keeper-message', 'keeper-reply']);

/** Fixture folder of a schema: `RunMemoSchema` is `run-memo`. */
function folderOf(name: string): string {
  return name
    .replace(/Schema$/, '')
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-')
    .toLowerCase();
}

/** Whether a schema is a format: it, or each of its alternatives, carries its major version. */
function isVersioned(schema: z.ZodType): boolean {
  if (schema instanceof z.ZodReadonly)
    return schema.def.innerType instanceof z.ZodType && isVersioned(schema.def.innerType);
  if (schema instanceof z.ZodUnion)
    return schema.options.every((option) => option instanceof z.ZodType && isVersioned(option));
  return schema instanceof z.ZodObject && 'v' in schema.shape;
}

/** All versioned schemas that are exported, by fixture folder; one exported under two names counts once. */
async function findFormats(): Promise<Map<string, z.ZodType>> {
  const formats = new Map<string, z.ZodType>([['proven-environment', ProvenEnvironmentSchema]]);
  const seen = new Set<unknown>();
  for (const file of readdirSync(SCHEMAS)) {
    const module: Record<string, unknown> = await import(fileURLToPath(new URL(file, SCHEMAS)));
    for (const [name, value] of Object.entries(module)) {
      if (!name.endsWith('Schema') || !(value instanceof z.ZodType) || seen.has(value) || !isVersioned(value)) continue;
      seen.add(value);
      formats.set(folderOf(name), value);
    }
  }
  return formats;
}

const formats = await findFormats();
const folders = readdirSync(FIXTURES);
const fixtures = [...formats].flatMap(([format, schema]) =>
  (folders.includes(format) ? readdirSync(new URL(`${format}/`, FIXTURES)) : []).map((file) => ({
    format,
    file,
    schema,
  })),
);

function read(format: string, file: string): Record<string, unknown> {
  return z
    .record(z.string(), z.unknown())
    .parse(JSON.parse(readFileSync(new URL(`${format}/${file}`, FIXTURES), 'utf8')));
}

describe('the versioned formats', () => {
  it.each([...formats.keys()].filter((format) => !ELSEWHERE.has(format)))('%s has a fixture of version 1', (format) => {
    expect(fixtures.filter((one) => one.format === format && one.file.startsWith('v1'))).not.toEqual([]);
  });

  it('have no fixture of a format that is gone', () => {
    expect(folders.filter((folder) => !formats.has(folder) && folder !== 'keeper-protocol')).toEqual([]);
  });

  it('that have alternatives have a fixture for each', () => {
    for (const [format, schema] of formats) {
      if (!(schema instanceof z.ZodDiscriminatedUnion) || ELSEWHERE.has(format)) continue;
      const { discriminator } = schema.def;
      const told = fixtures.filter((one) => one.format === format).map(({ file }) => read(format, file)[discriminator]);
      expect(new Set(told).size).toBe(schema.options.length);
    }
  });

  it.each(fixtures)(
    '$format/$file is read whole, tolerates a field of later, refuses a newer major',
    ({ format, file, schema }) => {
      const golden = read(format, file);
      expect(schema.parse(golden)).toEqual(golden);
      expect(schema.parse({ ...golden, addedLater: { deep: [1] } })).toMatchObject(golden);
      expect(schema.safeParse({ ...golden, v: 2 }).error?.issues).toMatchObject([{ path: ['v'] }]);
      const { v: _version, ...unversioned } = golden;
      // Callers may leave the version of a keeper's request out; it is added before the request is written.
      expect(format === 'keeper-request' || !schema.safeParse(unversioned).success).toBe(true);
    },
  );
});

describe('the search for formats', () => {
  it('finds versions behind readonly and in unions, and nothing else', () => {
    const versioned = z.object({ v: z.literal(1) });
    expect(
      [versioned, versioned.readonly(), z.discriminatedUnion('op', [versioned.extend({ op: z.literal('a') })])].map(
        isVersioned,
      ),
    ).toEqual([true, true, true]);
    expect([z.object({ x: z.string() }), z.string(), z.array(versioned)].map(isVersioned)).toEqual([
      false,
      false,
      false,
    ]);
    expect(folderOf('DataCheckReportSchema')).toBe('data-check-report');
  });
});
