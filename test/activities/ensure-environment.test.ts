import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ensureEnvironment } from '../../src/activities/ensure-environment.js';
import type { StageHost } from '../../src/activities/stage-host.js';
import { readNetwork } from '../../src/config.js';
import { listKeepers } from '../../src/host/keeper/client.js';
import { tryClaim } from '../../src/host/store/claim.js';
import type { Command, EnvironmentReading, Recipe } from '../../src/recipes/recipe.js';
import type { StageCall } from '../../src/schemas/stage-calls.js';
import { read } from '../host/keeper/helpers.js';
import { clientOf, recipeOf, run, useStageBench } from './support.js';

const bench = useStageBench();
const place = (): string => join(bench.workspace(), 'environments/one');
const made = (name: string): boolean => existsSync(join(place(), name));
const trace = (): string[] => {
  const file = join(bench.workspace(), 'trace');
  return existsSync(file) ? read(file).trim().split('\n') : [];
};

function shell(step: string, line: string, isRemote = false): Command {
  return { step, argv: ['/bin/sh', '-c', line], cwd: bench.workspace(), env: {}, ...(isRemote ? { isRemote } : {}) };
}

/** An environment of two files in a folder; a third one spoils it for good. */
function installing(
  over: {
    readonly isShared?: boolean;
    readonly lines?: Readonly<Record<string, string>>;
    readonly repairBytes?: number;
  } = {},
): Recipe {
  const make = (name: string): Command => {
    const line = over.lines?.[name] ?? `echo ${name} >> trace; mkdir -p ${place()}; touch ${place()}/${name}`;
    return shell(`make-${name}`, line, name === 'second');
  };
  const list = `ls ${place()} 2>/dev/null | tr '\\n' ' '`;
  return {
    ...recipeOf(() => ({})),
    environment: {
      place: () => ({ root: place(), python: '/py', isShared: over.isShared ?? false }),
      probe: () => shell('probe', `printf '{"found":"%s"}\\n' "$(${list})"`),
      prove: () => shell('prove', 'echo proved >> trace; echo {}'),
      read(line): EnvironmentReading {
        const { found } = line as { found: string };
        const missing = ['first', 'second'].filter((name) => !found.split(' ').includes(name));
        return {
          lock: { files: found },
          problems: [],
          warnings: ['newer than usual'],
          differences: missing.map((name) => `${name} is missing`),
          repairs: missing.map(make),
          ...(over.repairBytes === undefined ? {} : { repairBytes: over.repairBytes }),
        };
      },
    },
  };
}

const ensure = (recipe: Recipe, call: StageCall, host: Partial<StageHost> = {}) =>
  run(
    () => ensureEnvironment({ ...bench.host(recipe), ...host }, call),
    clientOf(() => ({ status: 'RUNNING' })),
  );
const open = (recipe: Recipe): Promise<StageCall> => bench.open(recipe, 'r1', { name: 'environment' });

describe('an environment', () => {
  it('is installed, looked at again and proven; a later try takes no step', async () => {
    const recipe = installing();
    const call = await open(recipe);
    const answer = await ensure(recipe, call);
    expect(answer).toMatchObject({ lock: { files: 'first second ' }, reused: false, warnings: ['newer than usual'] });
    expect(trace()).toEqual(['first', 'second', 'proved']);
    expect(JSON.parse(read(join(bench.workspace(), 'runs/r1/lock.json')))).toMatchObject({
      v: 1,
      environment: { digest: answer.digest, versions: { files: 'first second ' } },
    });
    expect(await ensure(recipe, { ...call, tryNumber: 2 })).toMatchObject({ reused: true, digest: answer.digest });
    expect(trace()).toHaveLength(3);
  });

  it('is repaired exactly where it differs', async () => {
    const recipe = installing();
    const call = await open(recipe);
    await ensure(recipe, call);
    rmSync(join(place(), 'first'));
    await ensure(recipe, { ...call, tryNumber: 2 });
    expect(trace()).toEqual(['first', 'second', 'proved', 'first']);
  });

  it('that still differs afterwards is an error that says what', async () => {
    const recipe = installing({ lines: { second: 'echo tried >> trace' } });
    await expect(ensure(recipe, await open(recipe))).rejects.toMatchObject({
      problem: { code: 'EnvironmentUnfit', what: expect.stringContaining('second is missing') },
    });
    expect(trace()).toEqual(['first', 'tried']);
  });

  it('whose installation fails tells the step and its last words, and the next try goes on there', async () => {
    const failing = installing({ lines: { second: 'echo "fatal: no way out" >&2; exit 3' } });
    const call = await open(failing);
    await expect(ensure(failing, call)).rejects.toMatchObject({
      problem: { code: 'CommandFailed', what: 'make-second ended with exit status 3', why: 'fatal: no way out' },
    });
    expect(read(join(bench.workspace(), 'runs/r1/stages/environment/log/h1-make-second.err'))).toContain('no way out');
    await ensure(installing(), { ...call, tryNumber: 2 });
    expect(trace()).toEqual(['first', 'second', 'proved']);
  });
});

describe('the disk of an installation', () => {
  // More than any disk has.
  const repairBytes = 2 ** 60;

  it('is looked at where the environment will lie, before anything is installed', async () => {
    const recipe = installing({ repairBytes });
    await expect(ensure(recipe, await open(recipe))).rejects.toMatchObject({
      problem: {
        code: 'DiskTooSmall',
        where: bench.workspace(),
        what: expect.stringMatching(/ are free, 1153 PB are needed for the environment in .*environments\/one$/),
      },
    });
    expect(trace()).toEqual([]);
  });

  it('is not asked for again once the installation has begun, nor when nothing differs', async () => {
    const call = await open(installing());
    const failing = installing({ lines: { second: 'exit 3' } });
    await expect(ensure(failing, call)).rejects.toMatchObject({ problem: { code: 'CommandFailed' } });
    // A later attempt of the same try meets the step that has run.
    await expect(ensure(installing({ repairBytes }), call)).rejects.toMatchObject({
      problem: { code: 'CommandFailed' },
    });
    await ensure(installing(), { ...call, tryNumber: 2 });
    await ensure(installing({ repairBytes }), { ...call, tryNumber: 3 });
  });
});

describe('the network settings of a host', () => {
  it('reach git and pip through files that only their owner reads, and no other command', async () => {
    const show = 'env | grep -E "^(GIT|PIP)_" | sort';
    const recipe = installing({
      lines: {
        first: `${show} > none; mkdir -p ${place()}; touch ${place()}/first`,
        second: `${show} > some; cat "$GIT_CONFIG_GLOBAL" "$PIP_CONFIG_FILE" > files; touch ${place()}/second`,
      },
    });
    const ca = join(bench.scratch(), 'own.pem');
    mkdirSync(bench.scratch(), { recursive: true });
    writeFileSync(ca, 'OWN CERTIFICATE\n');
    const network = readNetwork({
      TEMPER_HTTPS_PROXY: 'http://me:p%40ss@proxy:3128',
      TEMPER_CA_FILE: ca,
      TEMPER_URL_MIRRORS: 'https://github.com/=https://mirror.example/gh/',
      TEMPER_PIP_INDEX: 'https://mirror.example/simple',
      TEMPER_OFFLINE: '1',
    });
    await ensure(recipe, await open(recipe), { network });
    const text = (name: string): string => read(join(bench.workspace(), name));
    expect(text('none')).not.toContain('GIT_CONFIG_GLOBAL');
    expect(text('some')).toMatch(/GIT_ALLOW_PROTOCOL=file[\s\S]*PIP_NO_INDEX=1/);
    expect(text('some')).not.toContain('p%40ss');
    expect(text('files')).toContain('proxy = "http://me:p%40ss@proxy:3128"');
    expect(text('files')).toContain('[url "https://mirror.example/gh/"]\n\tinsteadOf = "https://github.com/"');
    expect(text('files')).toContain('proxy = http://me:p%%40ss@proxy:3128');
    expect(text('files')).toContain('index-url = https://mirror.example/simple');
    const dir = join(bench.scratch(), 'network');
    for (const name of readdirSync(dir)) expect(statSync(join(dir, name)).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(dir, 'authorities.pem'), 'utf8')).toMatch(/^-----BEGIN[\s\S]*OWN CERTIFICATE\n$/);
    const written = listKeepers(bench.scratch()).map(({ paths }) =>
      readFileSync(join(paths.dir, 'request.json'), 'utf8'),
    );
    expect(written.join('')).not.toContain('p%40ss');
  });
});

describe('a shared environment', () => {
  it('is installed once, however many hosts begin at the same time', async () => {
    const recipe = installing({ isShared: true });
    const call = await open(recipe);
    const answers = await Promise.all([
      ensure(recipe, call),
      ensure(recipe, call, { name: 'h2', scratch: join(bench.scratch(), 'h2') }),
    ]);
    expect(new Set(answers.map(({ digest }) => digest)).size).toBe(1);
    expect(
      trace()
        .filter((line) => line !== 'proved')
        .sort(),
    ).toEqual(['first', 'second']);
    expect(readdirSync(`${place()}.claims`)).toEqual([]);
  });

  it('is not kept by a run that is over', async () => {
    const recipe = installing({ isShared: true });
    const call = await open(recipe);
    const owner = { workflowId: 'temper/run/gone#h1', firstRunId: 'f', runId: 'f' };
    await tryClaim(`${place()}.claims`, { v: 1, run: 'gone', owner, host: 'h1', tryNumber: 1, out: '', at: '' });
    const done = run(
      () => ensureEnvironment(bench.host(recipe), call),
      clientOf((id) => ({ status: id === 'temper/run/gone' ? 'COMPLETED' : 'RUNNING' })),
    );
    await expect(done).resolves.toMatchObject({ reused: false });
  });

  it('is free again after an installation that failed', async () => {
    const failing = installing({ isShared: true, lines: { first: 'exit 1' } });
    await expect(ensure(failing, await open(failing))).rejects.toMatchObject({ problem: { code: 'CommandFailed' } });
    expect(readdirSync(`${place()}.claims`)).toEqual([]);
    expect(made('first')).toBe(false);
  });
});
