import { NO_HEADERS, type MessageContent } from './message.ts';

/** With its size counted. */
export function contentOf(parts: Omit<MessageContent, 'bytes'>): MessageContent {
  const { id, body, key, priority, headers } = parts;
  return { id, body, key, priority, headers, bytes: sizeOf(id, body.length, key, headers) };
}

/** What a message counts against the bounds. */
export function sizeOf(
  id: string,
  bodyBytes: number,
  key: string | undefined,
  headers: Readonly<Record<string, string>>,
): number {
  return bodyBytes + id.length + (key?.length ?? 0) + headerLength(headers);
}

function headerLength(headers: Readonly<Record<string, string>>): number {
  if (headers === NO_HEADERS) return 0;
  let length = 0;
  for (const [name, value] of Object.entries(headers)) length += name.length + value.length;
  return length;
}

/** A text each of whose characters is one of the bytes. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
