import { resolve } from 'node:path';
import { EXIT, TemperError } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import type { ModelChange } from '../../schemas/models.js';
import { withRuns } from '../context.js';
import type { CommandContext } from '../context.js';
import { renderModel, renderModels } from '../render/models.js';
import { runName } from '../run-name.js';
import { whoAsks } from '../who-asks.js';
import type { ConnectFlags } from '../../client/connect.js';
import type { OnSilence, Place } from '../../client/places.js';

type Where = ConnectFlags & { readonly workspace?: string; readonly fleet: string };

/** `temper models ls`. */
export async function modelsLs(context: CommandContext, options: Where): Promise<ExitStatus> {
  const models = await withRuns(context, options, (runs) =>
    runs.models.list(placeOf(context, options), null, toldSilent(context)),
  );
  context.output.result({ v: 1, models }, (paint) => renderModels(models, paint, Date.now()));
  return EXIT.ok;
}

/** `temper models show NAME`. */
export async function modelsShow(context: CommandContext, name: string, options: Where): Promise<ExitStatus> {
  const models = await withRuns(context, options, (runs) =>
    runs.models.list(placeOf(context, options), name, toldSilent(context)),
  );
  context.output.result({ v: 1, models }, (paint) =>
    models.map((one) => renderModel(one, paint, Date.now())).join('\n\n'),
  );
  return EXIT.ok;
}

/** `temper models promote NAME --run RUN`. */
export async function modelsPromote(
  context: CommandContext,
  name: string,
  options: Where & { readonly run: string; readonly reason?: string },
): Promise<ExitStatus> {
  const request = { model: runName(name), run: runName(options.run), ...decider(context, options.reason) };
  const decision = await withRuns(context, options, (runs) => runs.models.promote(placeOf(context, options), request));
  context.output.result(decision, () => told(decision.change));
  return EXIT.ok;
}

/** `temper models rollback NAME [--to VERSION]`. */
export async function modelsRollback(
  context: CommandContext,
  name: string,
  options: Where & { readonly to?: number; readonly reason?: string },
): Promise<ExitStatus> {
  const request = { model: runName(name), to: options.to ?? null, ...decider(context, options.reason) };
  const decision = await withRuns(context, options, (runs) => runs.models.rollBack(placeOf(context, options), request));
  context.output.result(decision, () => told(decision.change));
  return EXIT.ok;
}

/** Says which workspaces are left out, on stderr. */
export function toldSilent({ output }: CommandContext): OnSilence {
  return ({ workspace, fleet }, { what }) =>
    output.note(`left out: ${workspace} of fleet ${fleet} (${what}); --workspace DIR names one`);
}

function told({ model, from, to, run }: ModelChange): string {
  return `${model}: model ${to} (run ${run}) is current${from === null || from === to ? '' : `, in the place of model ${from}`}`;
}

function decider({ io }: CommandContext, reason: string | undefined): { by: string; why: string } {
  return { by: whoAsks(io), why: (reason ?? 'by hand').slice(0, 1_000) };
}

function placeOf({ io }: CommandContext, { workspace, fleet }: Where): Place | null {
  if (workspace === undefined) return null;
  if (workspace === '') throw new TemperError('UsageInvalid', { what: '--workspace is empty' });
  return { workspace: resolve(io.cwd, workspace), fleet };
}
