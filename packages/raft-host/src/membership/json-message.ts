/** What is rare and may grow: an object as JSON. */
export function encodeJson(value: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/**
 * @param mostBytes longer ones are refused before they are looked at
 * @param unreadable the error for what is no object in JSON, thrown
 */
export function decodeJson(
  bytes: Uint8Array,
  mostBytes: number,
  unreadable: (cause?: unknown) => Error,
): Readonly<Record<string, unknown>> {
  try {
    if (bytes.length > mostBytes) throw new RangeError(`${bytes.length} bytes`);
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch (cause) {
    throw unreadable(cause);
  }
  throw unreadable();
}
