// String.prototype.isWellFormed is in Node 20, ahead of the language level that is compiled for.
/// <reference lib="es2024.string" />
import { showValue } from './show-value.js';
import type { Finding } from './rules.js';

/** One turn of a conversation. */
export interface Message {
  readonly role: 'user' | 'assistant';
  readonly content: string;
}

/** One row of an MLLM file: image paths in the order of their placeholders, and the turns. */
export interface MllmRow {
  readonly images: readonly string[];
  readonly messages: readonly Message[];
}

/** An MLLM row read from JSON, or why it is none. */
export type MllmReading =
  | { readonly kind: 'row'; readonly row: MllmRow; readonly hasImagesColumn: boolean }
  | { readonly kind: 'refused'; readonly findings: readonly Finding[] };

/** The placeholder that stands for one image in the text of a turn. */
export const IMAGE_PLACEHOLDER = '<image>';

/** Reads one JSON value as an MLLM row; shape only, `conversationFindings` judges the content. */
export function readMllmRow(value: unknown): MllmReading {
  if (!isObject(value)) return refused('data/not-an-object', 'row', showValue(value));
  if (!('messages' in value) && 'conversations' in value)
    return refused('data/conversations-format', 'conversations', showValue(value['conversations']));
  const turns = value['messages'];
  if (!Array.isArray(turns) || turns.length === 0) return refused('data/no-turns', 'messages', showValue(turns));
  const messages: Message[] = [];
  for (const [index, turn] of turns.entries()) {
    const read = readMessage(turn, `messages[${index}]`);
    if ('rule' in read) return { kind: 'refused', findings: [read] };
    messages.push(read);
  }
  const images = value['images'] ?? [];
  if (!isPathList(images)) return refused('data/image-field', 'images', showValue(images));
  return { kind: 'row', row: { images, messages }, hasImagesColumn: 'images' in value };
}

/**
 * Judges a conversation with `imageCount` images: role order, empty turns, broken text, placeholders, and the texts
 * that mean something else to the model's tokenizer (`reserved`).
 */
export function conversationFindings(
  messages: readonly Message[],
  imageCount: number,
  reserved: readonly string[] = [],
): readonly Finding[] {
  const findings: Finding[] = [];
  let placeholders = 0;
  for (let index = 0; index < messages.length; index += 1) {
    const content = messages[index]?.content ?? '';
    const where = `messages[${index}].content`;
    if (!/\S/.test(content)) findings.push({ rule: 'data/empty-content', where, what: showValue(content) });
    if (!content.isWellFormed()) findings.push({ rule: 'data/invalid-text', where, what: showValue(content) });
    for (const token of reserved)
      if (content.includes(token)) findings.push({ rule: 'data/reserved-token', where, what: showValue(token) });
    placeholders += countPlaceholders(content);
  }
  const order = roleOrderFinding(messages);
  if (order !== undefined) findings.push(order);
  if (placeholders !== imageCount) {
    findings.push({
      rule: 'data/placeholder-count',
      where: 'messages',
      what: `${placeholders} ${IMAGE_PLACEHOLDER} for ${imageCount} images`,
    });
  }
  return findings;
}

/** True for a JSON object (not null, not an array). */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readMessage(turn: unknown, where: string): Message | Finding {
  if (!isObject(turn)) return { rule: 'data/turn-shape', where, what: showValue(turn) };
  const { role, content } = turn;
  if (typeof role !== 'string') return { rule: 'data/turn-shape', where: `${where}.role`, what: showValue(role) };
  if (typeof content !== 'string')
    return { rule: 'data/turn-shape', where: `${where}.content`, what: showValue(content) };
  if (role !== 'user' && role !== 'assistant')
    return { rule: 'data/unknown-role', where: `${where}.role`, what: showValue(role) };
  return { role, content };
}

// The first turn that is out of order only: every later one would be wrong too.
function roleOrderFinding(messages: readonly Message[]): Finding | undefined {
  for (const [index, { role }] of messages.entries()) {
    const expected = index % 2 === 0 ? 'user' : 'assistant';
    if (role !== expected)
      return { rule: 'data/role-order', where: `messages[${index}].role`, what: `${role}, expected ${expected}` };
  }
  if (messages.length % 2 === 0) return undefined;
  return { rule: 'data/role-order', where: 'messages', what: `${messages.length} turns; the last has no answer` };
}

function isPathList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((path) => typeof path === 'string' && path !== '');
}

function refused(rule: Finding['rule'], where: string, what: string): MllmReading {
  return { kind: 'refused', findings: [{ rule, where, what }] };
}

function countPlaceholders(text: string): number {
  let count = 0;
  for (
    let at = text.indexOf(IMAGE_PLACEHOLDER);
    at !== -1;
    at = text.indexOf(IMAGE_PLACEHOLDER, at + IMAGE_PLACEHOLDER.length)
  )
    count += 1;
  return count;
}
