import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { dropClaim, isSameOwner, readClaim, renewClaim, tryClaim } from '../../../src/host/store/claim.js';
import type { Claim } from '../../../src/schemas/receipt.js';

let root = '';
let entry = '';
let entries = 0;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'temper-claims-'));
  // One file that plain Node runs: the races need real processes.
  const bundle = await rolldown({
    input: fileURLToPath(new URL('fixtures/claimer.ts', import.meta.url)),
    platform: 'node',
    external: (id) => id.startsWith('node:'),
    logLevel: 'silent',
  });
  await bundle.write({ file: join(root, 'claimer.mjs'), format: 'esm', codeSplitting: false });
  await bundle.close();
});
beforeEach(() => {
  entry = join(root, `entry-${(entries += 1)}`);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function claimOf(name: string, over: Partial<Claim> = {}): Claim {
  return {
    v: 1,
    run: name,
    owner: { workflowId: name, firstRunId: `${name}-1`, runId: `${name}-1` },
    host: 'h',
    tryNumber: 1,
    out: '',
    at: '',
    ...over,
  };
}

/** A claimer that is ready to begin. */
async function claimer(
  ...args: readonly string[]
): Promise<{ child: ChildProcess; lines: AsyncIterableIterator<string> }> {
  const child = spawn(process.execPath, [join(root, 'claimer.mjs'), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  if (child.stdout === null) throw new Error('no pipe');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  expect(await lines.next()).toEqual({ done: false, value: 'ready' });
  return { child, lines };
}

describe('a claim', () => {
  it('is ours when it is free, and ours again when we ask again', async () => {
    const mine = claimOf('a');
    expect(await readClaim(entry)).toBeNull();
    expect(await tryClaim(entry, mine)).toEqual({ claim: mine, isOurs: true });
    const later = claimOf('a', { tryNumber: 2, owner: { ...mine.owner, runId: 'a-2' } });
    expect(await tryClaim(entry, later)).toEqual({ claim: mine, isOurs: true });
    expect(await tryClaim(entry, claimOf('b'))).toEqual({ claim: mine, isOurs: false });
  });

  it('belongs to a chain of a workflow', () => {
    expect(isSameOwner(claimOf('a'), claimOf('a', { host: 'other' }))).toBe(true);
    expect(isSameOwner(claimOf('a'), claimOf('b'))).toBe(false);
    expect(
      isSameOwner(claimOf('a'), claimOf('a', { owner: { workflowId: 'a', firstRunId: 'new', runId: 'a-1' } })),
    ).toBe(false);
  });

  it('is renewed by its owner only', async () => {
    await tryClaim(entry, claimOf('a'));
    await renewClaim(entry, claimOf('a', { out: 'out-0001' }));
    expect((await readClaim(entry))?.out).toBe('out-0001');
    await expect(renewClaim(entry, claimOf('b'))).rejects.toMatchObject({ problem: { code: 'ClaimHeld' } });
    await dropClaim(entry, claimOf('a'));
    await expect(renewClaim(entry, claimOf('a'))).rejects.toMatchObject({ problem: { code: 'ClaimHeld' } });
    expect(readdirSync(entry)).toEqual([]);
  });

  it('is dropped once, and never together with the one that replaced it', async () => {
    await tryClaim(entry, claimOf('dead'));
    expect(await dropClaim(entry, claimOf('dead'))).toBe(true);
    await tryClaim(entry, claimOf('first'));
    expect(await dropClaim(entry, claimOf('dead'))).toBe(false);
    expect((await readClaim(entry))?.run).toBe('first');
  });

  it('replaces an empty folder that a killed drop left', async () => {
    mkdirSync(join(entry, 'claim'), { recursive: true });
    expect(await readClaim(entry)).toBeNull();
    expect((await tryClaim(entry, claimOf('a'))).isOurs).toBe(true);
  });

  it('of a newer version is refused by name', async () => {
    await tryClaim(entry, claimOf('a'));
    const [name = ''] = readdirSync(join(entry, 'claim'));
    writeFileSync(join(entry, 'claim', name), JSON.stringify({ ...claimOf('a'), v: 2 }));
    await expect(tryClaim(entry, claimOf('b'))).rejects.toMatchObject({ problem: { code: 'FormatTooNew' } });
  });
});

describe('processes that race for claims', () => {
  const RACES = 30;

  it.each([
    ['that are free', false],
    ['that a dead owner left', true],
  ])('get each of those %s exactly once, and agree whose it is', async (_what, isTaken) => {
    const dead = claimOf('dead', { owner: { workflowId: 'dead', firstRunId: 'dead', runId: 'dead' } });
    if (isTaken) for (let race = 0; race < RACES; race += 1) await tryClaim(join(entry, String(race)), dead);
    const racers = await Promise.all(
      Array.from({ length: 6 }, (_, index) => claimer('race', entry, `p${index}`, String(RACES))),
    );
    for (const { child } of racers) child.stdin?.write('go\n');
    for (let race = 0; race < RACES; race += 1) {
      const answers = await Promise.all(racers.map(async ({ lines }) => String((await lines.next()).value).split(' ')));
      expect(answers.filter(([isOurs]) => isOurs === 'true')).toHaveLength(1);
      expect(new Set(answers.map(([, owner]) => owner)).size).toBe(1);
      expect(readdirSync(join(entry, String(race)))).toEqual(['claim']);
    }
  });

  it('leave a whole claim or none when they are killed, and the next one gets it', async () => {
    for (let kill = 0; kill < 12; kill += 1) {
      const { child } = await claimer('churn', entry, 'churner');
      // Spread over the steps of the loop by what another process happens to see, not by a clock.
      for (let look = 0; look <= kill * 7; look += 1) await readClaim(entry);
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
      const left = await readClaim(entry);
      if (left !== null) {
        expect(left.owner.workflowId).toBe('churner');
        await dropClaim(entry, left);
      }
      const next = await tryClaim(entry, claimOf('next'));
      expect(next.isOurs).toBe(true);
      await dropClaim(entry, next.claim);
    }
  });
});
