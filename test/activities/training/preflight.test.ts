import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { callHost } from '../../../src/activities/call-host.js';
import { closePreflight, comparePreflight, preflightHost } from '../../../src/activities/training/preflight.js';
import { sweepNode } from '../../../src/activities/training/stop-node.js';
import { PREFLIGHT } from '../../../src/domain/preflight/list.js';
import { scratchKey } from '../../../src/host/keeper/names.js';
import { gangBandwidth } from '../../../src/host/preflight/bandwidth-file.js';
import type { PreflightRecipe } from '../../../src/recipes/preflight.js';
import type { Recipe } from '../../../src/recipes/recipe.js';
import {
  CompareAnswerSchema,
  DoctorLookSchema,
  type CompareCall,
  type PreflightCall,
  type PreflightCheck,
} from '../../../src/schemas/preflight.js';
import type { StageCall } from '../../../src/schemas/stage-calls.js';
import { recipeOf, run, start, useStageBench } from '../support.js';

const bench = useStageBench();
const ROUND = 'round-0001';

/** A recipe whose own checks are `checks`, and which compares what it reads from its probe. */
function recipeWith(checks: readonly PreflightCheck[] = []): Recipe {
  const preflight: PreflightRecipe = {
    probes: () => [{ id: 'tool', argv: ['echo', 'on'], timeoutMs: 5_000 }],
    judge: (outputs) => ({ checks, facts: { tls: outputs.get('tool')?.stdout.trim() ?? '' } }),
    compare: (facts, others) => [
      { ...check('own/tls'), what: [...facts].map(([host, { tls }]) => `${host} ${tls}`).join(', ') },
      ...[...others].map(([host, { tls }]) => ({ ...check('own/others'), what: `${host} ${tls}` })),
    ],
  };
  return { ...recipeOf(() => ({})), preflight };
}

const look = (call: StageCall, over: Partial<PreflightCall> = {}): PreflightCall => ({
  ...call,
  depth: 'quick',
  lease: 1,
  isFirst: true,
  round: null,
  ...over,
});

const compared = (call: StageCall, hosts: string[]): CompareCall => ({ ...call, round: ROUND, hosts, isWhole: true });

describe('the preflight of a host', () => {
  it('answers nothing but what is wrong, and quickly', async () => {
    const recipe = recipeWith();
    const call = await bench.open(recipe, 'r1', { name: 'train' });
    const elapsed: number[] = [];
    // What else the machine does makes single looks slower, and none of them faster.
    while (elapsed.length < 3) {
      const report = await run(() => preflightHost(bench.host(recipe), look(call)));
      expect(report).toMatchObject({ v: 1, host: 'h1', checks: [] });
      elapsed.push(report.elapsedMs);
    }
    expect(Math.min(...elapsed), elapsed.join(', ')).toBeLessThan(1_000);
  });

  it('asks for what the stage needs', async () => {
    const recipe = recipeWith();
    const resources = { diskBytes: 1e18, ramBytes: 1e18 };
    const call = await bench.open(recipe, 'r1', { name: 'train', resources });
    const { checks } = await run(() => preflightHost(bench.host(recipe), look(call)));
    expect(checks.map(({ id, status, fault }) => [id, status, fault])).toEqual([
      ['memory', 'fail', 'config'],
      ['workspace-disk', 'fail', 'config'],
    ]);
  });

  it('stays below 4 kB, whatever is wrong and however it is named', async () => {
    const long = 'ü'.repeat(2_000);
    const own = Array.from({ length: 40 }, (_, index) => ({ ...check(`own/${index}`), what: long, where: long }));
    const recipe = recipeWith(own);
    const call = await bench.open(recipe, 'r1', { name: 'train' });
    const report = await run(() => preflightHost(bench.host(recipe), look(call)));
    expect(report.checks.length).toBeGreaterThan(1);
    expect(Buffer.byteLength(JSON.stringify(report))).toBeLessThan(4_096);
  });

  it('tells an empty mount point from the workspace', async () => {
    const recipe = recipeWith();
    const call = await bench.open(recipe, 'r1', { name: 'train' });
    rmSync(bench.workspace(), { recursive: true });
    mkdirSync(bench.workspace());
    const { checks } = await run(() => preflightHost(bench.host(recipe), look(call, { depth: 'full', round: ROUND })));
    expect(checks.filter(({ status }) => status === 'fail')).toMatchObject([
      { id: 'workspace', fault: PREFLIGHT.workspace.fault, what: expect.stringContaining('folder of the run is not') },
    ]);
    expect(readdirSync(bench.workspace())).toEqual([]);
  });

  it('compares hosts, keeps what they measured, and leaves nothing', async () => {
    const recipe = recipeWith();
    const call = await bench.open(recipe, 'r1', { name: 'train' });
    const hosts = ['h1', 'h2'].map((name) => {
      const host = { ...bench.host(recipe), name };
      return name === 'h1' ? host : { ...host, scratch: `${host.scratch}-2` };
    });
    for (const host of hosts) await run(() => preflightHost(host, look(call, { depth: 'full', round: ROUND })));
    const seen = await Promise.all(
      hosts.map((host) => run(() => comparePreflight(host, compared(call, ['h1', 'h2'])))),
    );
    expect(seen).toEqual([
      { v: 1, checks: [] },
      { v: 1, checks: [] },
    ]);
    const kept = join(bench.workspace(), 'runs/r1/host-facts.json');
    const earlier = { h1: { tls: 'off' }, h3: { tls: 'off' }, left: { tls: 'off' } };
    writeFileSync(kept, JSON.stringify({ v: 1, hosts: earlier }));
    const close = { ...compared(call, ['h1', 'h2']), gang: ['h1', 'h2', 'h3', 'h4'] };
    const closed = await run(() => closePreflight(bench.host(recipe), close));
    expect(closed.checks).toMatchObject([
      { id: 'own/tls', what: 'h1 on, h2 on' },
      { id: 'own/others', what: 'h3 off' },
    ]);
    expect(JSON.parse(readFileSync(kept, 'utf8'))).toMatchObject({
      hosts: { ...earlier, h1: { tls: 'on' }, h2: { tls: 'on' } },
    });
    const bandwidth = await gangBandwidth(bench.workspace(), 'r1');
    expect(bandwidth?.writeBytesPerSecond).toBeGreaterThan(0);
    const file = join(bench.workspace(), 'runs/r1/bandwidth.json');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ v: 1, hosts: 2 });
    expect(readdirSync(bench.workspace())).toEqual(['runs']);
    for (const { scratch } of hosts) expect(readdirSync(scratch).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('finds leftovers, which a sweep ends', async () => {
    const recipe = recipeWith();
    const call = await bench.open(recipe, 'r1', { name: 'train' });
    const host = bench.host(recipe);
    const env = { ...process.env, TEMPER_KEEPER_ID: 'r0.train.h00.1', TEMPER_SCRATCH_DIR: scratchKey(host.scratch) };
    const child = spawn('sleep', ['60'], { env, stdio: 'ignore' });
    const exited = new Promise((resolve) => child.once('exit', resolve));
    await new Promise((resolve) => child.once('spawn', resolve));
    const seen = (): Promise<readonly string[]> =>
      run(() => preflightHost(host, look(call))).then(({ checks }) => checks.map(({ id, fault }) => `${id} ${fault}`));
    await expect.poll(seen).toEqual(['processes leftover']);
    await run(() => sweepNode(host, call));
    await exited;
    expect(await seen()).toEqual([]);
  });

  it('tells a port that a connection has as a leftover, which a sweep waits for', async () => {
    const server = createServer((socket) => socket.on('error', () => socket.destroy())).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    // Safe: it listens on an address of IP.
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await once(client, 'connect');
    const port = Number(client.localPort);
    const recipe: Recipe = { ...recipeWith(), preflight: { ports: () => [port] } };
    const call = await bench.open(recipe, 'r1', { name: 'train' });
    const host = bench.host(recipe);
    const { checks } = await run(() => preflightHost(host, look(call)));
    expect(checks).toMatchObject([{ id: 'ports', status: 'fail', fault: 'leftover' }]);
    const sweep = start(() => sweepNode(host, call));
    await sweep.beat((details) => JSON.stringify(details).includes(`leave ports that ranks need: ${port}`));
    // Without the minute in which the kernel keeps the port of a connection that was closed.
    client.resetAndDestroy();
    await sweep.result;
    expect((await run(() => preflightHost(host, look(call)))).checks).toEqual([]);
  });
});

describe('the host call of temper doctor', () => {
  it('looks at the host without a spec, and refuses one that it cannot read', async () => {
    const host = bench.host(recipeWith());
    const ask = (specText: string | null) =>
      run(() => callHost(host, { v: 1, op: 'doctor', call: { step: 'look', specText, round: null } }));
    const answer = DoctorLookSchema.parse(await ask(null));
    expect(answer.checks.filter(({ status }) => status === 'fail')).toEqual([]);
    expect(answer.checks.find(({ id }) => id === 'workspace')).toMatchObject({ status: 'skipped' });
    await expect(ask('name: x')).rejects.toMatchObject({ problem: { code: 'RecipeUnknown' } });
    const close = { step: 'close' as const, specText: null, round: ROUND, hosts: ['h1'] };
    expect(CompareAnswerSchema.parse(await run(() => callHost(host, { v: 1, op: 'doctor', call: close })))).toEqual({
      v: 1,
      checks: [],
    });
  });
});

function check(id: string): PreflightCheck {
  return { id, status: 'fail', fault: 'config', what: 'it is wrong', where: 'here', fix: 'mend it' };
}
