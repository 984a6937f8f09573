import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readStoredSpec } from '../../../src/domain/spec/read-spec.js';
import { glm45v } from '../../../src/recipes/mindspeed-mm/recipe.js';
import { planFromText } from '../../../src/recipes/plan-from-text.js';
import type { Command, HostTools } from '../../../src/recipes/recipe.js';
import { renderRun } from '../../../src/recipes/render/render-run.js';

const run = promisify(execFile);

/** Adds a line about how it was called: its folder, a variable, its name and its words. A move makes its target. */
const WITNESS = `#!/bin/bash
{ printf '%s\\x1f' "$PWD" "\${PIP_NO_INPUT-}" "\${0##*/}" "$@"; printf '\\n'; } >> "$WITNESS"
if [ "\${0##*/}" = mv ]; then /bin/mkdir -p -- "\${@: -1}"; fi
`;
const PROGRAMS = ['git', 'rm', 'mv', 'cp', 'mkdir', 'python3.10', 'node', 'python'];

async function site(environment: string) {
  const dir = await mkdtemp(join(tmpdir(), 'temper-render-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const bin = join(dir, 'bin');
  await mkdir(bin);
  for (const name of PROGRAMS) await writeFile(join(bin, name), WITNESS, { mode: 0o755 });
  await writeFile(join(dir, 'set_env.sh'), '');
  const text = glm45v.template
    .replace('./workspace', join(dir, 'ws'))
    .replace(/^environment:\n( .*\n)*/m, '')
    .concat(`environment: { cannEnv: '${join(dir, 'set_env.sh')}'${environment} }\n`);
  const { plan, problems } = planFromText(text, 'r', []);
  const { spec } = readStoredSpec(text);
  if (plan === null || spec === null) throw new Error(JSON.stringify(problems));
  const place = join(dir, 'scratch', 'environment');
  const tools: HostTools = {
    python: join(bin, 'python'),
    node: join(bin, 'node'),
    temper: '/temper.js',
    programs: '/',
    cpus: 8,
    environment: place,
  };
  const hosts = Array.from({ length: spec.fleet.hosts }, (_, rank) => ({
    name: `h${rank}`,
    address: `10.0.0.${rank + 1}`,
    networkInterface: 'eth0',
  }));
  const files = renderRun(glm45v, spec, plan, { hosts, tools, scratch: dir, known: {}, isResume: false });
  const script = join(dir, 'environment.sh');
  await writeFile(script, files.find(({ path }) => path.endsWith('environment.sh'))?.content ?? 'exit 9');
  const log = join(dir, 'calls');
  /** What the script started, one list of words each, the folder and a variable first. */
  const start = async () => {
    await writeFile(log, '');
    await run('bash', [script], { env: { PATH: `${bin}:${process.env['PATH'] ?? ''}`, WITNESS: log } });
    const lines = (await readFile(log, 'utf8')).trimEnd().split('\n');
    return lines.map((line) => line.split('\u001f').slice(0, -1));
  };
  return { spec, tools, start };
}

function expected({ argv, cwd, env }: Command): readonly string[] {
  // Behind the last mark stand the words that run in the environment of the toolkit.
  const words = argv[0] === 'bash' ? argv.slice(argv.lastIndexOf('--') + 1) : argv;
  return [cwd, env['PIP_NO_INPUT'] ?? '', basename(words[0] ?? ''), ...words.slice(1)];
}

describe('the script of the environment', () => {
  it('installs what a worker installs on a new host, then looks at it and tries it', async () => {
    const { spec, tools, start } = await site('');
    const empty = { v: 1, versionFiles: [], setEnv: [], checkouts: {}, megatron: { original: null, copy: null } };
    const python = { path: 'python3.10', version: '3.10.12' };
    const probed = { ...empty, folders: {}, python: null, basePython: python, hasGit: true };
    const { repairs = [] } = glm45v.environment.read(probed, spec, tools);
    expect(repairs.map(({ step }) => step)).toEqual(
      expect.arrayContaining(['clone-mindspeed-mm', 'place-megatron', 'make-venv', 'install-transformers']),
    );
    const all = [...repairs, glm45v.environment.probe(tools, spec), glm45v.environment.prove(tools, spec)];
    expect(await start()).toEqual(all.map(expected));
    // A second start finds the environment and installs nothing.
    expect(await start()).toEqual(all.slice(-2).map(expected));
  });

  it('installs nothing where the spec names an environment', async () => {
    const { start, spec, tools } = await site(", python: '/opt/py', checkouts: { mindspeedMm: '/opt' }");
    const looks = [glm45v.environment.probe(tools, spec), glm45v.environment.prove(tools, spec)];
    expect(await start()).toEqual(looks.map(expected));
  });
});
