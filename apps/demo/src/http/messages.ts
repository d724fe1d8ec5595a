import { randomUUID } from 'node:crypto';
import { isUtf8 } from 'node:buffer';
import type { Delivery, NewMessage } from '../broker/commands.ts';
import { BROKER_LIMITS as LIMITS } from '../broker/limits.ts';
import { Problem } from './problem.ts';
import { type GivenMessage, MAX_PUBLISH_BYTES } from './schemas.ts';

/** Of what a message takes beside what its client says. */
const OVERHEAD_BYTES = 64;

/**
 * The messages of one request, those without an id with one.
 * @throws Problem `INVALID`, `TOO_LARGE`
 */
export function messagesFrom(given: readonly GivenMessage[]): readonly NewMessage[] {
  let bytes = 0;
  return given.map((message, at) => {
    const read = messageFrom(message, at);
    bytes += sizeOf(read);
    if (bytes > MAX_PUBLISH_BYTES) {
      const detail = `messages of more than ${MAX_PUBLISH_BYTES} bytes together: publish them with several requests`;
      throw new Problem('TOO_LARGE', detail, { outcome: 'not-applied' });
    }
    return read;
  });
}

function messageFrom(given: GivenMessage, at: number): NewMessage {
  checkTexts(given, at);
  const { id, body, encoding, ...rest } = given;
  const bytes = encoding === undefined ? textBytes(body, at) : base64Bytes(body, at);
  if (bytes.length > LIMITS.bodyBytes) {
    const detail = `messages/${at}/body has ${bytes.length} bytes, of at most ${LIMITS.bodyBytes}`;
    throw new Problem('TOO_LARGE', detail, { outcome: 'not-applied' });
  }
  return { id: id ?? randomUUID(), body: bytes, ...rest };
}

/** Two ids that can't be kept as UTF-8 could become one: the second message would be taken for the first, and be lost. */
function checkTexts(
  { id = '', key = '', headers = {} }: Pick<GivenMessage, 'id' | 'key' | 'headers'>,
  at: number,
): void {
  for (const [field, texts] of [
    ['id', [id]],
    ['key', [key]],
    ['headers', Object.entries(headers).flat()],
  ] as const) {
    if (!texts.every((text) => text.isWellFormed())) throw invalid(at, field, HALF_A_PAIR);
  }
}

/** What can't be kept as UTF-8 would come back as something else. */
function textBytes(text: string, at: number): Uint8Array {
  if (text.isWellFormed()) return Buffer.from(text, 'utf8');
  throw invalid(at, 'body', HALF_A_PAIR);
}

function base64Bytes(text: string, at: number): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') === text) return bytes;
  throw invalid(at, 'body', 'not base64, with its padding');
}

const HALF_A_PAIR = 'a text with half a surrogate pair';

function invalid(at: number, field: string, what: string): Problem {
  return new Problem('INVALID', `messages/${at}/${field} is ${what}`, { outcome: 'not-applied' });
}

function sizeOf({ id, body, key = '', headers = {} }: NewMessage): number {
  let bytes = OVERHEAD_BYTES + body.length + Buffer.byteLength(id) + Buffer.byteLength(key);
  for (const [name, value] of Object.entries(headers)) bytes += Buffer.byteLength(name) + Buffer.byteLength(value) + 8;
  return bytes;
}

/** A delivery in JSON: its body as a text where it is one. */
export interface ShownDelivery extends Omit<Delivery, 'body'> {
  readonly body: string;
  readonly encoding?: 'base64';
}

export function shownDelivery({ body: bytes, ...rest }: Delivery): ShownDelivery {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (isUtf8(body)) return { ...rest, body: body.toString('utf8') };
  return { ...rest, body: body.toString('base64'), encoding: 'base64' };
}
