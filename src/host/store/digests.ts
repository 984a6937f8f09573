import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { errorText } from '../../domain/text/error-text.js';
import { TemperError } from '../../domain/errors.js';
import { fingerprint, stageKey } from '../../domain/fingerprint.js';
import type { Source, StagePlan } from '../../schemas/plan.js';
import type { StageRef } from '../../schemas/stage-calls.js';
import { describeFiles, hashFile } from './manifest.js';
import { sumFolder } from './sum-folder.js';

/** Store key of a stage, from its plan, what it needs, the recipe's programs and the user's files as they are now. */
export async function computeKey(stage: StagePlan, needs: readonly StageRef[], programs: string): Promise<string> {
  return stageKey({
    own: stage.fingerprint,
    needs: Object.fromEntries(needs.map((need) => [need.stage, need.digest])),
    programs: await digestPrograms(stage.programs, programs),
    sources: await digestSources(stage.sources),
  });
}

async function digestPrograms(names: readonly string[], dir: string): Promise<string> {
  const hashes: Record<string, string> = {};
  for (const name of names) hashes[name] = await hashFile(join(dir, name));
  return fingerprint(hashes);
}

/** Local sources count by path, size and time, or content where small; a missing one is the user's error. */
async function digestSources(sources: readonly Source[]): Promise<string> {
  const digests: unknown[] = [];
  for (const source of sources) {
    try {
      const files =
        source.kind === 'manyFiles'
          ? [{ path: '.', ...(await sumFolder(source.path, { hasTimes: true })) }]
          : await describeFiles(source.path);
      digests.push([source.path, files.map(({ path, bytes, sha256, mtimeMs }) => [path, bytes, sha256 ?? mtimeMs])]);
    } catch (error) {
      throw sourceMissing(source, error);
    }
  }
  return fingerprint(digests);
}

/** The error of a file or folder of the user that this host cannot read, or null. */
export async function findMissing(source: Source): Promise<TemperError | null> {
  return access(source.path, constants.R_OK).then(
    () => null,
    (error: unknown) => sourceMissing(source, error),
  );
}

function sourceMissing({ kind, field, path }: Source, cause: unknown): TemperError {
  const facts = {
    where: field,
    what: `cannot read ${kind === 'file' ? 'file' : 'folder'} ${path}`,
    why: errorText(cause),
    fix: `correct the path in the spec: temper resume RUN --set ${field}=VALUE`,
  };
  return new TemperError('SourceMissing', facts, { cause });
}
