import { resolve } from 'node:path';
import { EXIT, TemperError } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { compareModels } from '../../host/safetensors/compare.js';
import type { ExportDtype } from '../../schemas/model-files.js';
import type { CommandContext } from '../context.js';
import { comparisonText } from '../render/files.js';

export interface ExportVerifyOptions {
  readonly original: string;
  readonly exported: string;
  readonly dtype: ExportDtype;
  readonly deep?: boolean;
  readonly frozen?: readonly string[];
}

/** `temper export verify`: whether an exported model has the tensors of its original; needs no Temporal. */
export async function exportVerify({ output, io }: CommandContext, options: ExportVerifyOptions): Promise<ExitStatus> {
  const { original, exported, dtype, deep, frozen } = options;
  if (frozen !== undefined && deep !== true) {
    throw new TemperError('UsageInvalid', {
      where: '--frozen',
      what: 'frozen tensors are compared by their values',
      fix: 'add --deep',
    });
  }
  const report = await compareModels(resolve(io.cwd, original), resolve(io.cwd, exported), {
    dtype,
    isDeep: deep ?? false,
    ...(frozen === undefined ? {} : { frozen }),
  });
  output.result(report, (paint) => comparisonText(exported, report, paint));
  return report.ok ? EXIT.ok : EXIT.failed;
}
