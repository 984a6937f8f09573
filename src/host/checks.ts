import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorText } from '../domain/text/error-text.js';
import { assertNever } from '../domain/assert-never.js';
import { TemperError } from '../domain/errors.js';
import type { Check, Recipe } from '../recipes/recipe.js';
import type { CheckpointContract, TensorShape } from '../recipes/checkpoint-contract.js';
import type { FileProblem } from '../schemas/model-files.js';
import { readDcpMetadata } from './checkpoint/dcp-read.js';
import { verifyCheckpoint } from './checkpoint/verify.js';
import { compareModels } from './safetensors/compare.js';
import { readModelFolder, type ModelFolder } from './safetensors/model-folder.js';

/** Carries out the proofs of a stage; the first that fails is the error, with all it found as evidence. */
export async function runChecks(checks: readonly Check[], recipe: Pick<Recipe, 'checkpoint'>): Promise<void> {
  for (const check of checks) await runCheck(check, recipe.checkpoint);
}

async function runCheck(check: Check, contract: CheckpointContract): Promise<void> {
  switch (check.kind) {
    case 'modelFolder':
      return refuse(check.dir, 'the model folder is not whole', (await wholeModel(check.dir)).problems);
    case 'convertedCheckpoint':
      return checkConverted(check.dir, check.original, contract);
    case 'sameModel': {
      const { original, exported, dtype, frozen, mayBeEqual = false } = check;
      const { problems } = await compareModels(original, exported, { dtype, frozen, isDeep: true, mayBeEqual });
      return refuse(exported, 'the exported model is not the trained original', problems);
    }
    case 'filesExist':
      for (const path of check.paths) {
        if ((await stat(path).catch(() => null)) === null)
          throw new TemperError('ProofFailed', { where: path, what: 'the file was not written' });
      }
      return;
    default:
      assertNever(check);
  }
}

async function checkConverted(dir: string, originalDir: string, contract: CheckpointContract): Promise<void> {
  const report = await verifyCheckpoint(dir, { layout: contract.layout });
  refuse(dir, 'the converted checkpoint is not complete', report.problems);
  const original = await wholeModel(originalDir);
  refuse(originalDir, 'the original model folder is not whole', original.problems);
  const config: unknown = JSON.parse(await readFile(join(originalDir, 'config.json'), 'utf8'));
  const metadata = await readDcpMetadata(join(dir, contract.converted.folder, '.metadata'));
  const converted = new Map(
    [...metadata.tensors].map(([fqn, { dtype, size }]): [string, TensorShape] => [fqn, { dtype, shape: size }]),
  );
  const differences = contract.compareConverted(original.tensors, config, converted);
  if (differences.length === 0) return;
  throw new TemperError('ProofFailed', {
    where: dir,
    what: `the converted checkpoint differs from the original in ${differences.length} tensors`,
    why: 'training would silently begin with random weights in their place',
    evidence: differences,
  });
}

async function wholeModel(dir: string): Promise<ModelFolder> {
  try {
    return await readModelFolder(dir);
  } catch (error) {
    const why = errorText(error);
    throw new TemperError(
      'SourceMissing',
      { where: dir, what: 'the model folder cannot be read', why },
      { cause: error },
    );
  }
}

function refuse(where: string, what: string, problems: readonly FileProblem[]): void {
  const [first] = problems;
  if (first === undefined) return;
  throw new TemperError('ProofFailed', {
    where: first.where || where,
    what: `${what}: ${first.what}`,
    why: first.why,
    fix: first.fix,
    evidence: problems.map((problem) => `${problem.where}: ${problem.what}`),
  });
}
