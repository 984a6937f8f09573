import type { StageDraft } from '../domain/plan.js';
import type { PipelineSpec } from '../schemas/spec.js';
import { durationMs } from '../schemas/units.js';
import type { Command, StageFacts } from './recipe.js';

/**
 * The user's own look at an exported model (`export.smoke`), as part of the stage verify; none where the spec asks for
 * none. Its output is kept with the logs of the stage.
 */
export function smokeCommands(
  { spec, tools, out }: Pick<StageFacts, 'spec' | 'tools' | 'out'>,
  model: string,
): readonly Command[] {
  const { smoke } = spec.export;
  if (smoke === undefined) return [];
  const fill = (part: string): string => part.replaceAll('{{model}}', model).replaceAll('{{python}}', tools.python);
  return [
    {
      step: 'smoke',
      title: 'the smoke command on the exported model',
      argv: smoke.command.map(fill),
      cwd: out,
      env: {},
      limit: {
        ms: durationMs(smoke.timeout),
        fix: 'make it quicker, or give it longer: temper resume RUN --set export.smoke.timeout=1h',
      },
    },
  ];
}

const HOUR_MS = 3_600_000;

/**
 * How the stage verify differs with a smoke command: it loads the model, so it takes a host of its own, whose devices
 * nobody else uses; and another command is another proof.
 */
export function smokeStage({
  export: { smoke },
}: Pick<PipelineSpec, 'export'>): Pick<StageDraft, 'placement' | 'parameters' | 'timeoutMs'> {
  if (smoke === undefined) return { placement: 'anyHost', parameters: {}, timeoutMs: HOUR_MS };
  const { command, timeout } = smoke;
  return { placement: 'oneHost', parameters: { smoke: command }, timeoutMs: HOUR_MS + durationMs(timeout) };
}
