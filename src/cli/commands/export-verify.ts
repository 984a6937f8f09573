import { resolve } from 'node:path';
import { EXIT } from '../../domain/errors.js';
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
}

/** `temper export verify`: whether an exported model has the tensors of its original; needs no Temporal. */
export async function exportVerify({ output, io }: CommandContext, options: ExportVerifyOptions): Promise<ExitStatus> {
  const { original, exported, dtype, deep } = options;
  const report = await compareModels(resolve(io.cwd, original), resolve(io.cwd, exported), {
    dtype,
    isDeep: deep ?? false,
  });
  output.result(report, (paint) => comparisonText(exported, report, paint));
  return report.ok ? EXIT.ok : EXIT.failed;
}
