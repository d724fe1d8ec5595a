import { ByteReader, ByteWriter, type Codec } from '@quorate/core';
import { countIn, readHeaders, writeHeaders } from './command-codec.ts';
import type { Delivery, Published, RefusalCode, Result, Settlement } from './commands.ts';
import { parseReceipt, receiptOf } from './receipt.ts';

const kinds: readonly Result['type'][] = ['done', 'published', 'deliveries', 'settled', 'refused'];
const codes: readonly RefusalCode[] = ['not-found', 'exists', 'full', 'invalid', 'fenced'];

const HAS_KEY = 1;
const HAS_HEADERS = 2;
const DELIVERY_FLAGS = 3;

const RESULT_BYTES = 256;

/** Results as they go from the leader to the node that asked. */
export function resultCodec(): Codec<Result> {
  return {
    encode: (result) => {
      const writer = new ByteWriter(RESULT_BYTES);
      writer.u8(kinds.indexOf(result.type));
      write(writer, result);
      return writer.copy();
    },
    decode: (bytes) => {
      const reader = new ByteReader('broker result', bytes);
      const result = read(reader);
      reader.end();
      return result;
    },
  };
}

function write(to: ByteWriter, result: Result): void {
  switch (result.type) {
    case 'done':
      return void to.u8(result.changed ? 1 : 0);
    case 'published':
      return writeAll(to, result.messages, writePublished);
    case 'deliveries':
      return writeAll(to, result.deliveries, writeDelivery);
    case 'settled':
      return writeAll(to, result.settled, (_to, settlement) => void to.u8(settlement === 'done' ? 1 : 0));
    case 'refused':
      to.u8(codes.indexOf(result.code));
      return void to.text(result.message);
  }
}

function read(from: ByteReader): Result {
  const type = kinds[from.u8()];
  if (type === undefined) throw from.unsound('a result of an unknown kind');
  switch (type) {
    case 'done':
      return { type, changed: readFlag(from) };
    case 'published':
      return { type, messages: readAll(from, readPublished) };
    case 'deliveries':
      return { type, deliveries: readAll(from, readDelivery) };
    case 'settled':
      return { type, settled: readAll(from, (): Settlement => (readFlag(from) ? 'done' : 'unknown-receipt')) };
    case 'refused': {
      const code = codes[from.u8()];
      if (code === undefined) throw from.unsound('an unknown code');
      return { type, code, message: from.text() };
    }
  }
}

function writePublished(to: ByteWriter, { id, sequence, duplicate }: Published): void {
  to.text(id);
  to.number(sequence);
  to.u8(duplicate ? 1 : 0);
}

function readPublished(from: ByteReader): Published {
  return { id: from.text(), sequence: from.number(), duplicate: readFlag(from) };
}

/** Without the receipt, which sequence and attempt make. */
function writeDelivery(to: ByteWriter, { id, sequence, body, key, priority, headers, attempt }: Delivery): void {
  const hasHeaders = Object.keys(headers).length > 0;
  to.u8((key === undefined ? 0 : HAS_KEY) | (hasHeaders ? HAS_HEADERS : 0));
  to.text(id);
  to.number(sequence);
  to.number(attempt);
  to.number(priority);
  to.sized(body);
  if (key !== undefined) to.text(key);
  if (hasHeaders) writeHeaders(to, headers);
}

function readDelivery(from: ByteReader): Delivery {
  const flags = from.u8(DELIVERY_FLAGS);
  const id = from.text();
  const [sequence, attempt, priority] = [from.number(), from.number(), from.number()];
  const receipt = receiptOf(sequence, attempt);
  if (parseReceipt(receipt) === undefined) throw from.unsound('a delivery that is none');
  const body = from.sized();
  const key = (flags & HAS_KEY) === 0 ? undefined : from.text();
  const headers = (flags & HAS_HEADERS) === 0 ? {} : readHeaders(from);
  return { receipt, id, sequence, body, ...(key !== undefined && { key }), priority, headers, attempt };
}

function writeAll<T>(to: ByteWriter, items: readonly T[], writeOne: (to: ByteWriter, item: T) => void): void {
  to.number(items.length);
  for (const item of items) writeOne(to, item);
}

function readAll<T>(from: ByteReader, readOne: (from: ByteReader) => T): readonly T[] {
  const items: T[] = [];
  for (let left = countIn(from); left > 0; left -= 1) items.push(readOne(from));
  return items;
}

function readFlag(from: ByteReader): boolean {
  return from.u8(1) === 1;
}
