/** Parses UTF-8 JSON that must be an object; null when it is anything else. */
export function parseJsonObject(bytes: Uint8Array): Readonly<Record<string, unknown>> | null {
  try {
    // A byte order mark stays, and is no JSON.
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** True for JSON objects; their values are unknown. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
