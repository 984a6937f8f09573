import { resolve } from 'node:path';
import { EXIT, TemperError } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import type { RetentionPolicy } from '../../schemas/retention.js';
import { DurationSchema, durationMs } from '../../schemas/units.js';
import { withRuns } from '../context.js';
import type { CommandContext } from '../context.js';
import { renderCollected } from '../render/retention.js';
import { showBytes } from '../../domain/text/show-bytes.js';
import { toldSilent } from './models.js';
import type { ConnectFlags } from '../../client/connect.js';

/** Options of `temper gc`. */
export interface GcOptions extends ConnectFlags {
  readonly olderThan?: string;
  readonly keepRuns?: number;
  readonly maxBytes?: string;
  readonly keepCheckpoints?: number;
  readonly checkpointsOlderThan?: string;
  readonly workspace?: string;
  readonly fleet: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** `temper gc`: shows what would go, asks, and removes it. */
export async function gc(context: CommandContext, options: GcOptions): Promise<ExitStatus> {
  const { io, output } = context;
  const policy = policyOf(options);
  const place =
    options.workspace === undefined ? null : { workspace: resolve(io.cwd, options.workspace), fleet: options.fleet };
  return withRuns(context, options, async (runs) => {
    if (options.dryRun === true || options.yes !== true) {
      const planned = await runs.models.collect(place, policy, true, toldSilent(context));
      const bytes = planned.reduce((sum, { freedBytes }) => sum + freedBytes, 0);
      if (options.dryRun === true) {
        output.result({ v: 1, workspaces: planned }, (paint) => renderCollected(planned, paint));
        return EXIT.ok;
      }
      output.note(renderCollected(planned, output.paintNote));
      if (planned.every(({ count }) => count === 0)) {
        output.result({ v: 1, workspaces: planned }, () => 'nothing to remove');
        return EXIT.ok;
      }
      if (!(await io.confirm(`Remove this (${showBytes(bytes)})?`))) {
        throw new TemperError('UsageInvalid', {
          what: 'nothing was removed',
          why: 'nobody confirmed it',
          fix: 'temper gc --yes',
        });
      }
    }
    const reports = await runs.models.collect(
      place,
      policy,
      false,
      options.yes === true ? toldSilent(context) : () => undefined,
    );
    output.result({ v: 1, workspaces: reports }, (paint) => renderCollected(reports, paint));
    return EXIT.ok;
  });
}

function policyOf({
  olderThan,
  keepRuns,
  maxBytes,
  keepCheckpoints,
  checkpointsOlderThan,
}: GcOptions): RetentionPolicy {
  const policy: RetentionPolicy = {
    olderThanMs: olderThan === undefined ? null : readDuration('--older-than', olderThan),
    keepRuns: keepRuns ?? null,
    maxBytes: maxBytes === undefined ? null : readBytes(maxBytes),
    keepCheckpoints: keepCheckpoints ?? null,
    ...(checkpointsOlderThan === undefined
      ? {}
      : { checkpointsOlderThanMs: readDuration('--checkpoints-older-than', checkpointsOlderThan) }),
  };
  if (Object.values(policy).some((limit) => limit !== null)) return policy;
  throw new TemperError('UsageInvalid', {
    what: 'temper gc needs a limit',
    why: 'without one it would keep everything',
    fix: 'temper gc --older-than 30d --dry-run; see temper gc --help',
  });
}

function readDuration(option: string, text: string): number {
  const parsed = DurationSchema.safeParse(text);
  if (parsed.success) return durationMs(parsed.data);
  throw new TemperError('UsageInvalid', {
    where: option,
    what: `${JSON.stringify(text)} is no duration`,
    fix: 'write 30d, 12h or 90m',
  });
}

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];

function readBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGTP]?B)?$/i.exec(text.trim());
  if (match !== null)
    return Math.round(Number(match[1]) * 1_000 ** Math.max(0, UNITS.indexOf((match[2] ?? 'B').toUpperCase())));
  throw new TemperError('UsageInvalid', {
    where: '--max-bytes',
    what: `${JSON.stringify(text)} is no size`,
    fix: 'write 500GB or 1.5TB',
  });
}
