import { readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorText } from '../../domain/text/error-text.js';
import { checked } from '../../domain/preflight/list.js';
import { HostFactsSchema, type HostFacts, type PreflightCheck } from '../../schemas/preflight.js';
import { readJsonFile, writeJsonFile } from '../json-file.js';
import { someNames } from '../../domain/text/some-names.js';
import { makeFolder } from '../make-folder.js';
import { isAbandoned } from '../shared-names.js';

/** Names that a sentence can hold. */
const MOST_NAMES = 6;

/**
 * A comparison of hosts, in three steps. Each host leaves its facts in the workspace, a folder there for its neighbour
 * to remove, and a token in its own scratch (`leaveTokens`). When all have, each reads the facts of all, removes the
 * folder of its neighbour, and looks into its scratch for tokens of others (`compareTokens`). The last step is made by
 * one host: it reads the facts for those who judge them, and removes what is left (`closeComparison`).
 *
 * Each host writes its token before it looks for others, so of two that share their scratch at least one sees the other.
 */
export interface Comparison {
  readonly workspace: string;
  readonly scratch: string;
  readonly round: string;
  readonly host: string;
}

/** First step: what other hosts will look for. Answers a failed check where this host may not write beside them. */
export async function leaveTokens(comparison: Comparison, facts: HostFacts): Promise<readonly PreflightCheck[]> {
  const { scratch, round, host, workspace } = comparison;
  await removeStale(scratch, (name) => name.startsWith(tokensName('')));
  await makeFolder(join(scratch, tokensName(round)));
  await writeFile(join(scratch, tokensName(round), host), round);
  try {
    const gift = giftDir(comparison, host);
    await makeFolder(gift);
    await writeFile(join(gift, 'token'), round);
    await writeJsonFile(factsFile(comparison, host), facts);
    return [];
  } catch (error) {
    const what = `${host} cannot write into a folder that another host made: ${errorText(error)}`;
    return [checked('files-of-others', 'fail', { where: `${host}: ${workspace}`, what, fix: ONE_USER })];
  }
}

/** How long what another host wrote may take to be seen: caches of network file systems are seconds old. */
const SEEN_WITHIN_MS = 3_000;
const RETRY_MS = 100;

/** Second step, on every host, after all have made the first one. */
export async function compareTokens(
  comparison: Comparison,
  hosts: readonly string[],
  limitMs = SEEN_WITHIN_MS,
): Promise<readonly PreflightCheck[]> {
  const { host } = comparison;
  if (hosts.length < 2) return [];
  return [
    await lookForFacts(comparison, hosts, limitMs),
    await lookForStrangers(comparison),
    await removeGift(comparison, hosts[(hosts.indexOf(host) + 1) % hosts.length] ?? host),
  ];
}

/** Last step, on one host: the facts of all, for those who judge them; removes what the comparison made. */
export async function closeComparison(
  comparison: Comparison,
  hosts: readonly string[],
): Promise<{ readonly facts: readonly HostFacts[]; readonly checks: readonly PreflightCheck[] }> {
  const found = await Promise.all(hosts.map((host) => readFacts(comparison, host)));
  const facts = found.filter((one) => one !== null);
  try {
    await removeTokens(comparison);
    await rm(roundDir(comparison), { recursive: true, force: true });
    await removeStale(join(comparison.workspace, FOLDER), () => true);
    await rmdir(join(comparison.workspace, FOLDER)).catch(() => undefined);
    return { facts, checks: [] };
  } catch (error) {
    return { facts, checks: [notRemoved(comparison, errorText(error))] };
  }
}

/** Removes the tokens of a host from its own scratch; for a comparison that is given up as well. */
export async function removeTokens({
  scratch,
  round,
  host,
}: Pick<Comparison, 'scratch' | 'round' | 'host'>): Promise<void> {
  const dir = join(scratch, tokensName(round));
  await rm(join(dir, host), { force: true });
  // Shared with another host, it still holds that one's token, and the last one takes it away.
  const left = await readdir(dir).catch(() => []);
  if (left.length === 0) await rm(dir, { recursive: true, force: true });
}

const FOLDER = '.preflight';

const ONE_USER =
  'run the workers of all hosts as one user with one numeric id; on NFS without root_squash when that is root';

function roundDir({ workspace, round }: Comparison): string {
  return join(workspace, FOLDER, round);
}

function factsFile(comparison: Comparison, host: string): string {
  return join(roundDir(comparison), `${host}.json`);
}

function giftDir(comparison: Comparison, host: string): string {
  return join(roundDir(comparison), `${host}.gift`);
}

function tokensName(round: string): string {
  return `.preflight-${round}`;
}

async function readFacts(comparison: Comparison, host: string): Promise<HostFacts | null> {
  return readJsonFile(factsFile(comparison, host), HostFactsSchema).catch(() => null);
}

async function lookForFacts(
  comparison: Comparison,
  hosts: readonly string[],
  limitMs: number,
): Promise<PreflightCheck> {
  const { host, workspace } = comparison;
  const where = `${host}: ${workspace}`;
  const endsAt = performance.now() + limitMs;
  let missing = hosts.filter((one) => one !== host);
  for (;;) {
    const found = await Promise.all(missing.map((one) => readFacts(comparison, one)));
    missing = missing.filter((_, index) => found[index] === null);
    if (missing.length === 0) {
      return checked('workspace-shared', 'ok', {
        where,
        what: `what ${hosts.length - 1} other hosts wrote is read here`,
      });
    }
    if (performance.now() >= endsAt) break;
    await sleep(RETRY_MS);
  }
  return checked('workspace-shared', 'fail', {
    where,
    what: `what ${someNames(missing, MOST_NAMES)} wrote into the workspace is not seen on ${host}`,
    fix: 'mount the same file system at this path on all hosts: findmnt --target PATH',
  });
}

async function lookForStrangers(comparison: Comparison): Promise<PreflightCheck> {
  const { host, scratch, round } = comparison;
  const where = `${host}: ${scratch}`;
  const names = await readdir(join(scratch, tokensName(round))).catch(() => []);
  await removeTokens(comparison);
  const strangers = names.filter((name) => name !== host);
  if (strangers.length === 0) {
    return checked('scratch-private', 'ok', { where, what: 'no other host writes into this folder' });
  }
  return checked('scratch-private', 'fail', {
    where,
    what: `the scratch folder of ${host} is also that of ${someNames(strangers, MOST_NAMES)}`,
    fix: "give each worker a folder on its host's own disk: temper worker --scratch DIR",
  });
}

async function removeGift(comparison: Comparison, neighbour: string): Promise<PreflightCheck> {
  const dir = giftDir(comparison, neighbour);
  try {
    await rm(dir, { recursive: true, force: true });
    return checked('files-of-others', 'ok', {
      where: comparison.host,
      what: `a folder that ${neighbour} made was removed here`,
    });
  } catch (error) {
    return notRemoved(comparison, `${neighbour} made ${dir}: ${errorText(error)}`);
  }
}

function notRemoved({ host, workspace }: Comparison, why: string): PreflightCheck {
  return checked('files-of-others', 'fail', {
    where: `${host}: ${workspace}`,
    what: `${host} cannot remove what another host made: ${why}`,
    fix: ONE_USER,
  });
}

/** A comparison takes seconds; what is older was left by one whose hosts were lost. */
const STALE_MS = 3_600_000;

async function removeStale(root: string, isOurs: (name: string) => boolean): Promise<void> {
  for (const name of (await readdir(root).catch(() => [])).filter(isOurs)) {
    const isLeft = await isAbandoned(join(root, name), STALE_MS).catch(() => false);
    if (isLeft) await rm(join(root, name), { recursive: true, force: true });
  }
}
