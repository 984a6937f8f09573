import { join } from 'node:path';
import { assertNever } from '../../../domain/assert-never.js';
import type { PipelineSpec } from '../../../schemas/spec.js';
import type { Command, HostTools } from '../../recipe.js';
import { checkoutOf } from '../layout.js';
import { sourcesOf, type SourceName } from '../sources.js';
import type { CheckoutState, Difference, Part } from './differences.js';
import { wantedPackages } from './packages.js';
import { GUIDE_FOLDERS, type ProbeFacts } from './probe.js';

/** The commands that make the differences right, in order. Each is whole: killed at any point, the next look finds what is left. */
export function repairCommands(
  differences: readonly Difference[],
  facts: ProbeFacts,
  spec: PipelineSpec,
  tools: HostTools,
): readonly Command[] {
  const base = facts.basePython?.path ?? tools.python;
  return differences.flatMap(({ part }) => commandsFor(part, { spec, tools, base }));
}

interface Site {
  readonly spec: PipelineSpec;
  readonly tools: HostTools;
  /** Interpreter that the virtual environment is made from. */
  readonly base: string;
}

function commandsFor(part: Part, site: Site): Command[] {
  const { spec, tools, base } = site;
  switch (part.kind) {
    case 'checkout':
      return checkout(part.source, part.state, site);
    case 'megatronCopy':
      return copyMegatron(site);
    case 'folders': {
      const working = checkoutOf('mindspeedMm', spec, tools);
      return [local('make-folders', ['mkdir', '-p', '--', ...GUIDE_FOLDERS.map((name) => join(working, name))])];
    }
    case 'venv': {
      const folder = join(tools.environment ?? '', 'venv');
      return [local('make-venv', [base, '-m', 'venv', ...(part.isBroken ? ['--clear'] : []), folder])];
    }
    case 'packages':
      return [
        pip(
          site,
          'install-packages',
          Object.entries(wantedPackages(spec)).map(([name, version]) => `${name}==${version}`),
        ),
      ];
    case 'editable':
      return [pip(site, `install-${stepName(part.source)}`, ['--editable', checkoutOf(part.source, spec, tools)])];
    default:
      return assertNever(part);
  }
}

/** A clone that is killed leaves a folder beside the place, which the next try removes; the place itself is never half. */
function checkout(source: SourceName, state: CheckoutState, { spec, tools }: Site): Command[] {
  const { url, ref } = sourcesOf(spec)[source];
  const folder = checkoutOf(source, spec, tools);
  const fresh = `${folder}.new`;
  const name = stepName(source);
  const git = (step: string, args: readonly string[]): Command =>
    remote(`${step}-${name}`, ['git', '-c', 'safe.directory=*', '-c', 'advice.detachedHead=false', ...args]);
  const clone = [
    local(`clear-${name}`, ['rm', '-rf', '--', fresh]),
    git('clone', ['clone', '--no-checkout', '--origin', 'origin', '--', url, fresh]),
    local(`place-${name}`, ['mv', '-T', '--', fresh, folder]),
  ];
  // What was set aside before keeps its files: it becomes `.damaged.~1~`, `.damaged.~2~`, ...
  const setAside = local(`set-aside-${name}`, ['mv', '--backup=numbered', '-T', '--', folder, `${folder}.damaged`]);
  const fetch = git('fetch', [
    ...['-C', folder, 'fetch', '--tags', '--force', '--', url],
    '+refs/heads/*:refs/remotes/origin/*',
  ]);
  const wanted = git('checkout', ['-C', folder, 'checkout', '--force', '--detach', ref, '--']);
  // A git that was killed leaves its locks behind; nobody else runs one here while the environment is claimed.
  const locks = ['index.lock', 'HEAD.lock'].map((lock) => join(folder, '.git', lock));
  const again = [local(`unlock-${name}`, ['rm', '-f', '--', ...locks]), wanted];
  switch (state) {
    case 'missing':
      return [...clone, wanted];
    case 'damaged':
      return [setAside, ...clone, wanted];
    case 'unfetched':
      return [fetch, ...again];
    case 'drifted':
    case 'changed':
      return again;
    default:
      return assertNever(state);
  }
}

function copyMegatron({ spec, tools }: Site): Command[] {
  const original = join(checkoutOf('megatronLm', spec, tools), 'megatron');
  const copy = join(checkoutOf('mindspeedMm', spec, tools), 'megatron');
  const fresh = `${copy}.new`;
  return [
    local('clear-megatron', ['rm', '-rf', '--', fresh]),
    local('copy-megatron', ['cp', '-r', '--', original, fresh]),
    local('remove-megatron', ['rm', '-rf', '--', copy]),
    local('place-megatron', ['mv', '-T', '--', fresh, copy]),
  ];
}

function pip({ spec, tools }: Site, step: string, what: readonly string[]): Command {
  return {
    ...remote(step, [tools.python, '-m', 'pip', 'install', '--no-input', '--disable-pip-version-check', ...what]),
    cwd: checkoutOf('mindspeedMm', spec, tools),
  };
}

function local(step: string, argv: readonly string[]): Command {
  return { step, argv, cwd: '/', env: {} };
}

function remote(step: string, argv: readonly string[]): Command {
  // A question for a password would wait for an answer that nobody can give.
  return { ...local(step, argv), env: { GIT_TERMINAL_PROMPT: '0', PIP_NO_INPUT: '1', LC_ALL: 'C' }, isRemote: true };
}

function stepName(source: SourceName): string {
  return source.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
