import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { closeComparison, compareTokens, leaveTokens, type Comparison } from '../../../src/host/preflight/compare.js';
import { theFacts } from '../../domain/preflight/looks.js';

const root = mkdtempSync(join(tmpdir(), 'temper-compare-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const HOSTS = ['h1', 'h2', 'h3'];
/** What is not there is waited for; what is there is seen at once. */
const PATIENCE_MS = 300;
const NOBODY = 65_534;

/** A place with a workspace and a scratch folder for each host, changed by `over`. */
function place(over: (one: Comparison, dir: string) => Partial<Comparison> = () => ({})): Comparison[] {
  const dir = mkdtempSync(join(root, 'place-'));
  return HOSTS.map((host) => {
    const one = { workspace: join(dir, 'w'), scratch: join(dir, host), round: 'round-0001', host };
    const made = { ...one, ...over(one, dir) };
    for (const path of [made.workspace, made.scratch]) mkdirSync(path, { recursive: true });
    return made;
  });
}

/** The failed checks of a whole comparison, as `id where`, and what it leaves. */
async function compare(hosts: readonly Comparison[]) {
  const left = [];
  for (const one of hosts) left.push(...(await leaveTokens(one, theFacts(one.host))));
  const seen = await Promise.all(hosts.map((one) => compareTokens(one, HOSTS, PATIENCE_MS)));
  const [closing] = hosts;
  if (closing === undefined) throw new TypeError('a comparison of no hosts');
  const closed = await closeComparison(closing, HOSTS);
  const checks = [...left, ...seen.flat(), ...closed.checks];
  return { checks, failed: checks.filter(({ status }) => status === 'fail'), facts: closed.facts };
}

describe('a comparison of hosts', () => {
  it('finds nothing wrong with a shared workspace and private scratch folders, and leaves nothing', async () => {
    const hosts = place();
    const { checks, failed, facts } = await compare(hosts);
    expect(failed).toEqual([]);
    expect(new Set(checks.map(({ id }) => id))).toEqual(
      new Set(['workspace-shared', 'scratch-private', 'files-of-others']),
    );
    expect(facts.map(({ host }) => host)).toEqual(HOSTS);
    for (const { workspace, scratch } of hosts)
      expect([readdirSync(workspace), readdirSync(scratch)]).toEqual([[], []]);
  });

  it('sees that one host has another workspace, from both sides', async () => {
    const hosts = place(({ host, workspace }, dir) => ({ workspace: host === 'h2' ? join(dir, 'own') : workspace }));
    const { failed } = await compare(hosts);
    const told = failed.filter(({ id }) => id === 'workspace-shared').map(({ what }) => what);
    expect(told).toEqual([
      'what h2 wrote into the workspace is not seen on h1',
      'what h1, h3 wrote into the workspace is not seen on h2',
      'what h2 wrote into the workspace is not seen on h3',
    ]);
  });

  it('sees that two hosts share their scratch folder', async () => {
    const hosts = place(({ host, scratch }, dir) => ({ scratch: host === 'h3' ? join(dir, 'h1') : scratch }));
    const { failed } = await compare(hosts);
    expect(new Set(failed.map(({ id }) => id))).toEqual(new Set(['scratch-private']));
    expect(failed[0]?.what).toMatch(/^the scratch folder of h[13] is also that of h[13]$/);
    for (const { scratch } of hosts) expect(readdirSync(scratch)).toEqual([]);
  });

  it.runIf(process.getuid?.() === 0)('sees that hosts run as users who cannot remove what others made', async () => {
    const hosts = place();
    const [first, second] = hosts as [Comparison, Comparison];
    // Everybody may write here, and each makes folders of its own.
    for (const path of [root, join(first.scratch, '..')]) chmodSync(path, 0o755);
    chmodSync(first.workspace, 0o777);
    chownSync(first.scratch, NOBODY, NOBODY);
    mkdirSync(join(first.workspace, '.preflight', first.round), { recursive: true });
    for (const path of ['.preflight', join('.preflight', first.round)]) chmodSync(join(first.workspace, path), 0o777);
    await leaveTokens(second, theFacts('h2'));
    const checks = await as(NOBODY, async () => [
      ...(await leaveTokens(first, theFacts('h1'))),
      ...(await compareTokens(first, ['h1', 'h2'], PATIENCE_MS)),
    ]);
    expect(checks.filter(({ status }) => status === 'fail')).toMatchObject([
      { id: 'files-of-others', what: expect.stringContaining('EACCES') },
    ]);
    // With the usual rights of folders it cannot even write beside them.
    chmodSync(join(first.workspace, '.preflight', first.round), 0o755);
    expect(await as(NOBODY, () => leaveTokens({ ...first, host: 'h9' }, theFacts('h9')))).toMatchObject([
      { id: 'files-of-others', status: 'fail', what: expect.stringContaining('h9 cannot write') },
    ]);
  });

  it('removes what a comparison of lost hosts left an hour ago, and nothing younger', async () => {
    const hosts = place();
    const [{ workspace, scratch } = { workspace: '', scratch: '' }] = hosts;
    const old = [join(workspace, '.preflight', 'round-lost'), join(scratch, '.preflight-round-lost')];
    const young = [join(workspace, '.preflight', 'round-busy'), join(scratch, '.preflight-round-busy')];
    for (const dir of [...old, ...young]) {
      mkdirSync(dir, { recursive: true });
      writeFileSync(join(dir, 'h8'), '');
    }
    for (const dir of old) utimesSync(dir, 0, 0);
    expect((await compare(hosts)).failed).toEqual([]);
    expect([...old, ...young].map((dir) => existsSync(dir))).toEqual([false, false, true, true]);
  });
});

/** Does something as another user; the whole process changes, so nothing else may run meanwhile. */
async function as<T>(user: number, work: () => Promise<T>): Promise<T> {
  process.seteuid?.(user);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}
