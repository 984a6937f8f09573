import { quote } from '../../domain/text/shell-quote.js';
import { NETWORK_VARIABLES, WORKER_VARIABLES } from '../../domain/network-variables.js';
import { SECRET_VARIABLES } from '../../domain/text/secret-name.js';
import { dirname } from 'node:path';
import type { Command, LaunchReasons } from '../recipe.js';

/** A shell script that runs what Temper would run, for people to read. */
export interface ScriptParts {
  /** Lines at the top: what it does, where and when to run it. */
  readonly about: readonly string[];
  /** Whether it starts ranks, which get nothing of how this host reaches the network either. */
  readonly isOfRanks?: boolean;
  readonly folders: readonly string[];
  readonly files: readonly { readonly path: string; readonly content: string }[];
  /** Commands that come first where a folder is not there. */
  readonly unless?: { readonly exists: string; readonly commands: readonly Command[] };
  readonly commands: readonly Command[];
  readonly reasons?: LaunchReasons;
}

/**
 * The text of a script. Arguments stand in arrays, where a comment may stand on a line of its own: behind a backslash it
 * would become an argument.
 */
export function scriptText({ about, isOfRanks, folders, files, unless, commands, reasons }: ScriptParts): string {
  return [
    '#!/usr/bin/env bash',
    ...about.map(comment),
    'set -euo pipefail',
    '',
    ...withheld(isOfRanks === true, [...(unless?.commands ?? []), ...commands]),
    ...folders.map((folder) => `mkdir -p ${quote(folder)}`),
    ...files.flatMap(({ path, content }) => writeFile(path, content)),
    ...(unless === undefined ? [] : guarded(unless)),
    ...commands.flatMap((command) => commandLines(command, reasons)),
    '',
  ].join('\n');
}

/** What a worker leaves out of the environment of commands, and what of ranks besides. */
function withheld(isOfRanks: boolean, commands: readonly Command[]): string[] {
  const kept = [...new Set(commands.flatMap(({ secretEnv = [] }) => secretEnv))];
  const names = isOfRanks ? `${SECRET_VARIABLES}|${NETWORK_VARIABLES}` : SECRET_VARIABLES;
  const network = isOfRanks ? ', nor proxies and places of hubs' : '';
  return [
    comment(`as from a worker, programs get no secrets and settings of Temporal and Node from your shell${network}`),
    'for name in $(compgen -e); do',
    ...(kept.length === 0 ? [] : [`  if [[ $name =~ ^(${kept.join('|')})$ ]]; then continue; fi`]),
    `  if [[ $name =~ ${WORKER_VARIABLES} ]]; then unset "$name"; fi`,
    'done',
    'shopt -s nocasematch',
    'for name in $(compgen -e); do',
    ...(kept.length === 0 ? [] : [`  if [[ $name =~ ^(${kept.join('|')})$ ]]; then continue; fi`]),
    `  if [[ $name =~ ${names} ]]; then unset "$name"; fi`,
    'done',
    'shopt -u nocasematch',
    '',
  ];
}

/** What an interrupted start left is not repaired here: a person removes it. */
function guarded({ exists, commands }: NonNullable<ScriptParts['unless']>): string[] {
  const there = `${exists} is there: looked at only; remove it to install again`;
  return [
    `if [ -e ${quote(exists)} ]; then`,
    `  echo ${quote(there)} >&2`,
    'else',
    ...commands.flatMap((command) => commandLines(command)),
    'fi',
  ];
}

function comment(line: string): string {
  return `# ${line.replaceAll(/\s+/g, ' ')}`;
}

/** Contents end with a line break, as files of settings do; the mark must not stand in them. */
function writeFile(path: string, content: string): string[] {
  let mark = 'END_OF_FILE';
  while (content.includes(mark)) mark = `${mark}_`;
  const body = content.endsWith('\n') ? content.slice(0, -1) : content;
  const reading = content.endsWith('\n') ? `cat > ${quote(path)} <<'${mark}'` : `printf %s "$(cat <<'${mark}'`;
  return [
    `mkdir -p ${quote(dirname(path))}`,
    reading,
    body,
    mark,
    ...(content.endsWith('\n') ? [''] : [`)" > ${quote(path)}`, '']),
  ];
}

/** A subshell, so that folder and arrays of one command end with it. */
function commandLines({ step, argv, cwd, env, secretEnv = [], isRemote }: Command, reasons?: LaunchReasons): string[] {
  const variables = Object.entries(env).flatMap(([name, value]) => [
    ...reasonLine(reasons?.env[name]),
    `    ${quote(`${name}=${value}`)}`,
  ]);
  return [
    '',
    comment(step),
    ...(isRemote === true
      ? [comment('reaches the network: with the proxies, mirrors and certificates of your shell')]
      : []),
    ...(secretEnv.length === 0 ? [] : [comment(`set these yourself where they are needed: ${secretEnv.join(', ')}`)]),
    '(',
    `  cd ${quote(cwd)}`,
    '  environment=(',
    ...variables,
    '  )',
    '  words=(',
    ...wordLines(argv, reasons?.arguments ?? {}),
    '  )',
    '  exec env "${environment[@]}" "${words[@]}"',
    ')',
  ];
}

function wordLines(argv: readonly string[], reasons: LaunchReasons['arguments']): string[] {
  const groups: string[][] = [];
  for (const word of argv) {
    const last = groups.at(-1);
    if (last === undefined || /^--[a-z]/.test(word)) groups.push([word]);
    else last.push(word);
  }
  const leftOut = Object.entries(reasons).filter(([flag]) => !argv.includes(flag));
  return [
    ...groups.flatMap((words) => [...reasonLine(reasons[words[0] ?? '']), `    ${words.map(quote).join(' ')}`]),
    ...leftOut.map(([flag, reason]) => `    # ${flag}: ${reason.replaceAll(/\s+/g, ' ')}`),
  ];
}

function reasonLine(reason: string | undefined): string[] {
  return reason === undefined ? [] : [`    # ${reason.replaceAll(/\s+/g, ' ')}`];
}
