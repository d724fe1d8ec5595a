/** What nodes tell each other over a connection, in requests of the kind `SHARED_STATE`. */
export type DirectKind = 'exchange' | 'news';

const VERSION = 1;
const KINDS: Readonly<Record<DirectKind, number>> = { exchange: 1, news: 2 };

export function messageOf(kind: DirectKind, content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(2 + content.byteLength);
  bytes[0] = VERSION;
  bytes[1] = KINDS[kind];
  bytes.set(content, 2);
  return bytes;
}

/** Undefined of what is of another version or kind. */
export function readMessage(
  bytes: Uint8Array,
): { readonly kind: DirectKind; readonly content: Uint8Array } | undefined {
  if (bytes[0] !== VERSION) return undefined;
  const kind = (['exchange', 'news'] as const).find((each) => KINDS[each] === bytes[1]);
  return kind === undefined ? undefined : { kind, content: bytes.subarray(2) };
}
