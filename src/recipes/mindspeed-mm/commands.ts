import { dirname, join } from 'node:path';
import type { PipelineSpec } from '../../schemas/spec.js';
import type { Command, HostTools, StageFacts } from '../recipe.js';
import { checkoutOf } from './layout.js';
import { withToolkit } from './toolkit-command.js';

/** Variables that keep Python programs from reaching out; everything that they need is on disk. */
const OFFLINE = {
  HF_HUB_OFFLINE: '1',
  HF_DATASETS_OFFLINE: '1',
  TRANSFORMERS_OFFLINE: '1',
  HF_HUB_DISABLE_TELEMETRY: '1',
  PYTHONUNBUFFERED: '1',
} as const;

type HostFacts = { readonly spec: PipelineSpec; readonly tools: HostTools };

/**
 * A command of upstream: with the toolkit's environment, in the checkout of MindSpeed-MM, whose programs open files of
 * their own relative to it.
 */
export function upstream(facts: HostFacts, step: string, argv: readonly string[]): Command {
  const { spec, tools } = facts;
  return { step, argv: withToolkit(spec, argv), cwd: checkoutOf('mindspeedMm', spec, tools), env: OFFLINE };
}

/** A console script of the environment, such as `mm-convert`. */
export function script({ tools }: Pick<HostFacts, 'tools'>, name: string): string {
  return join(dirname(tools.python), name);
}

/** Temper's own work under a keeper: it keeps the worker's event loop free and survives the worker. */
export function temper(
  { tools, out }: Pick<StageFacts, 'tools' | 'out'>,
  step: string,
  args: readonly string[],
): Command {
  return { step, argv: [tools.node, tools.temper, ...args], cwd: out, env: {} };
}
