import { TemperError } from '../../domain/errors.js';
import { readModelFolder } from './model-folder.js';

/** Fails when the safetensors files of a folder do not fit each other, their index and their sizes. */
export async function assertWholeModel(dir: string): Promise<void> {
  const { problems } = await readModelFolder(dir);
  const [first] = problems;
  if (first === undefined) return;
  throw new TemperError('ProofFailed', {
    where: first.where || dir,
    what: `the model folder is not whole: ${first.what}`,
    why: first.why,
    fix: first.fix,
    evidence: problems.map(({ where, what }) => `${where}: ${what}`),
  });
}
