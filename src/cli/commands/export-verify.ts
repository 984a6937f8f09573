import { resolve } from 'node:path';
import { EXIT, TemperError } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { compareModels } from '../../host/safetensors/compare.js';
import type { ExportDtype } from '../../schemas/model-files.js';
import type { CommandContext } from '../context.js';
import { comparisonText } from '../render/files.js';

/** Options of `temper export verify`. */
export interface ExportVerifyOptions {
  readonly original: string;
  readonly exported: string;
  readonly dtype: ExportDtype;
  readonly deep?: boolean;
  readonly frozen?: readonly string[];
  /** That something was trained was shown before a cast could round it away. */
  readonly mayBeEqual?: boolean;
}

/** `temper export verify`: whether an exported model has the tensors of its original; needs no Temporal. */
export async function exportVerify({ output, io }: CommandContext, options: ExportVerifyOptions): Promise<ExitStatus> {
  const { original, exported, dtype, deep, frozen, mayBeEqual } = options;
  if ((frozen !== undefined || mayBeEqual === true) && deep !== true) {
    throw new TemperError('UsageInvalid', {
      where: frozen === undefined ? '--may-be-equal' : '--frozen',
      what: 'it says how values are compared, and only headers would be',
      fix: 'add --deep',
    });
  }
  const report = await compareModels(resolve(io.cwd, original), resolve(io.cwd, exported), {
    dtype,
    isDeep: deep ?? false,
    ...(frozen === undefined ? {} : { frozen }),
    ...(mayBeEqual === undefined ? {} : { mayBeEqual }),
  });
  output.result(report, (paint) => comparisonText(exported, report, paint));
  return report.ok ? EXIT.ok : EXIT.failed;
}
