import type { KeeperFence, KeeperRequest } from '../../schemas/keeper.js';

/** What the keeper itself uses of a request. */
export type CommandRequest = Pick<
  KeeperRequest,
  'id' | 'argv' | 'cwd' | 'env' | 'graceMs' | 'orphanTimeoutMs' | 'killDeadlineMs' | 'rankLogs' | 'fence'
>;

/**
 * Reads `request.json` inside the keeper, by hand: the worker wrote it through the schema, and a schema library would
 * multiply the size and the start time of the keeper. Throws with the field that is wrong.
 */
export function parseRequest(text: string, path: string): CommandRequest {
  const value: unknown = JSON.parse(text);
  if (!isObject(value)) throw new Error(`${path} is not a JSON object`);
  const fail = (field: string): never => {
    throw new Error(`${path}: ${field} is ${JSON.stringify(value[field])}`);
  };
  const number = (field: string): number => {
    const found = value[field];
    return typeof found === 'number' && found >= 0 ? found : fail(field);
  };
  const string = (field: string): string => {
    const found = value[field];
    return typeof found === 'string' && found !== '' ? found : fail(field);
  };
  const { argv, env, rankLogs, fence } = value;
  if (value['v'] !== 1) fail('v');
  if (!isStrings(argv) || argv.length === 0) return fail('argv');
  if (!isObject(env) || !isStrings(Object.values(env))) return fail('env');
  if (rankLogs !== undefined && !isRankLogs(rankLogs)) return fail('rankLogs');
  if (fence !== undefined && !isFence(fence)) return fail('fence');
  return {
    id: string('id'),
    argv: [...argv],
    cwd: string('cwd'),
    env: Object.fromEntries(Object.entries(env).map(([name, one]) => [name, String(one)])),
    graceMs: number('graceMs'),
    orphanTimeoutMs: number('orphanTimeoutMs'),
    killDeadlineMs: number('killDeadlineMs'),
    rankLogs,
    ...(fence === undefined ? {} : { fence }),
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function isRankLogs(value: unknown): value is { readonly dir: string; readonly baseRank: number } {
  return isObject(value) && typeof value['dir'] === 'string' && typeof value['baseRank'] === 'number';
}

function isFence(value: unknown): value is KeeperFence {
  if (!isObject(value) || typeof value['file'] !== 'string' || !value['file'].startsWith('/')) return false;
  const { attempt, lease, everyMs, timeoutMs } = value;
  return [attempt, lease, everyMs, timeoutMs].every((one) => Number.isSafeInteger(one) && Number(one) >= 0);
}
