import { ByteReader, ByteWriter, type Codec } from '@quorate/core';
import type { Command, NewMessage, QueueOptions } from './commands.ts';

/** The first byte of each. They are in logs: none is ever given to another. */
const kinds: readonly Command['type'][] = [
  'create-queue',
  'delete-queue',
  'purge-queue',
  'create-topic',
  'delete-topic',
  'subscribe',
  'unsubscribe',
  'publish',
  'publish-to-topic',
  'receive',
  'acknowledge',
  'reject',
  'extend',
  'housekeeping',
];

const HAS_KEY = 1;
const HAS_PRIORITY = 2;
const HAS_DELAY = 4;
const HAS_HEADERS = 8;
const MESSAGE_FLAGS = 15;

const IS_FIFO = 1;
const HAS_DEAD_LETTERS = 2;
const OPTION_FLAGS = 3;

const COMMAND_BYTES = 128;
const MESSAGE_BYTES = 64;
const RECEIPT_BYTES = 16;

/** Commands as they are in the log. Reads what is well formed; whether it may be done, the machine says. */
export function commandCodec(): Codec<Command> {
  return {
    encode: (command) => {
      const writer = new ByteWriter(sizeOf(command));
      writer.u8(kinds.indexOf(command.type));
      write(writer, command);
      return writer.copy();
    },
    decode: (bytes) => {
      const reader = new ByteReader('broker command', bytes);
      const command = read(reader);
      reader.end();
      return command;
    },
  };
}

/** About how long it is, rather too long. */
function sizeOf(command: Command): number {
  if ('messages' in command) {
    return command.messages.reduce((sum, { body }) => sum + body.length + MESSAGE_BYTES, COMMAND_BYTES);
  }
  return COMMAND_BYTES + ('receipts' in command ? command.receipts.length * RECEIPT_BYTES : 0);
}

function write(to: ByteWriter, command: Command): void {
  switch (command.type) {
    case 'create-queue':
      to.text(command.queue);
      return writeOptions(to, command.options);
    case 'delete-queue':
    case 'purge-queue':
      return void to.text(command.queue);
    case 'create-topic':
    case 'delete-topic':
      return void to.text(command.topic);
    case 'subscribe':
      to.text(command.topic);
      to.text(command.subscription);
      return writeOptions(to, command.options);
    case 'unsubscribe':
      to.text(command.topic);
      return void to.text(command.subscription);
    case 'publish':
      to.text(command.queue);
      return writeMessages(to, command.messages);
    case 'publish-to-topic':
      to.text(command.topic);
      return writeMessages(to, command.messages);
    case 'receive':
      to.text(command.queue);
      to.text(command.consumer);
      to.number(command.max);
      // 0 is none: there is no delivery of no length.
      return void to.number(command.visibilityMs ?? 0);
    case 'acknowledge':
      to.text(command.queue);
      return writeTexts(to, command.receipts);
    case 'reject':
      to.text(command.queue);
      writeTexts(to, command.receipts);
      return void to.number(command.delayMs);
    case 'extend':
      to.text(command.queue);
      writeTexts(to, command.receipts);
      return void to.number(command.visibilityMs);
    case 'housekeeping':
      return void to.text(String(command.token));
  }
}

function read(from: ByteReader): Command {
  const type = kinds[from.u8()];
  if (type === undefined) throw from.unsound('a command of an unknown kind');
  switch (type) {
    case 'create-queue':
      return { type, queue: from.text(), options: readOptions(from) };
    case 'delete-queue':
    case 'purge-queue':
      return { type, queue: from.text() };
    case 'create-topic':
    case 'delete-topic':
      return { type, topic: from.text() };
    case 'subscribe':
      return { type, topic: from.text(), subscription: from.text(), options: readOptions(from) };
    case 'unsubscribe':
      return { type, topic: from.text(), subscription: from.text() };
    case 'publish':
      return { type, queue: from.text(), messages: readMessages(from) };
    case 'publish-to-topic':
      return { type, topic: from.text(), messages: readMessages(from) };
    case 'receive': {
      const command = { type, queue: from.text(), consumer: from.text(), max: from.number() };
      const visibilityMs = from.number();
      return visibilityMs === 0 ? command : { ...command, visibilityMs };
    }
    case 'acknowledge':
      return { type, queue: from.text(), receipts: readTexts(from) };
    case 'reject':
      return { type, queue: from.text(), receipts: readTexts(from), delayMs: from.number() };
    case 'extend':
      return { type, queue: from.text(), receipts: readTexts(from), visibilityMs: from.number() };
    case 'housekeeping':
      return { type, token: readToken(from) };
  }
}

function writeOptions(to: ByteWriter, options: QueueOptions): void {
  const { fifo, deadLetterQueue } = options;
  to.u8((fifo ? IS_FIFO : 0) | (deadLetterQueue === undefined ? 0 : HAS_DEAD_LETTERS));
  to.number(options.visibilityMs);
  to.number(options.maxDeliveries);
  to.number(options.deduplicationMs);
  to.number(options.maxMessages);
  if (deadLetterQueue !== undefined) to.text(deadLetterQueue);
}

function readOptions(from: ByteReader): QueueOptions {
  const flags = from.u8(OPTION_FLAGS);
  const options: QueueOptions = {
    fifo: (flags & IS_FIFO) !== 0,
    visibilityMs: from.number(),
    maxDeliveries: from.number(),
    deduplicationMs: from.number(),
    maxMessages: from.number(),
  };
  return (flags & HAS_DEAD_LETTERS) === 0 ? options : { ...options, deadLetterQueue: from.text() };
}

function writeMessages(to: ByteWriter, messages: readonly NewMessage[]): void {
  to.number(messages.length);
  for (const message of messages) writeMessage(to, message);
}

function writeMessage(to: ByteWriter, { id, body, key, priority, delayMs, headers }: NewMessage): void {
  to.u8(
    (key === undefined ? 0 : HAS_KEY) |
      (priority === undefined ? 0 : HAS_PRIORITY) |
      (delayMs === undefined ? 0 : HAS_DELAY) |
      (headers === undefined ? 0 : HAS_HEADERS),
  );
  to.text(id);
  to.sized(body);
  if (key !== undefined) to.text(key);
  if (priority !== undefined) to.number(priority);
  if (delayMs !== undefined) to.number(delayMs);
  if (headers !== undefined) writeHeaders(to, headers);
}

function readMessages(from: ByteReader): readonly NewMessage[] {
  const messages: NewMessage[] = [];
  for (let left = countIn(from); left > 0; left -= 1) messages.push(readMessage(from));
  return messages;
}

function readMessage(from: ByteReader): NewMessage {
  const flags = from.u8(MESSAGE_FLAGS);
  const plain = { id: from.text(), body: from.sized() };
  if (flags === 0) return plain;
  return {
    ...plain,
    ...((flags & HAS_KEY) !== 0 && { key: from.text() }),
    ...((flags & HAS_PRIORITY) !== 0 && { priority: from.number() }),
    ...((flags & HAS_DELAY) !== 0 && { delayMs: from.number() }),
    ...((flags & HAS_HEADERS) !== 0 && { headers: readHeaders(from) }),
  };
}

/** Of things that take a byte each at least: so that nobody reserves room for more than there can be. */
export function countIn(from: ByteReader): number {
  return from.number(from.left);
}

export function writeHeaders(to: ByteWriter, headers: Readonly<Record<string, string>>): void {
  const entries = Object.entries(headers);
  to.number(entries.length);
  for (const [name, value] of entries) {
    to.text(name);
    to.text(value);
  }
}

export function readHeaders(from: ByteReader): Readonly<Record<string, string>> {
  const entries: [string, string][] = [];
  for (let left = countIn(from); left > 0; left -= 1) entries.push([from.text(), from.text()]);
  // Whatever a header is called: also `__proto__`.
  return Object.fromEntries(entries);
}

function writeTexts(to: ByteWriter, texts: readonly string[]): void {
  to.number(texts.length);
  for (const text of texts) to.text(text);
}

function readTexts(from: ByteReader): readonly string[] {
  const texts: string[] = [];
  for (let left = countIn(from); left > 0; left -= 1) texts.push(from.text());
  return texts;
}

function readToken(from: ByteReader): bigint {
  const text = from.text();
  if (!/^(0|[1-9][0-9]{0,38})$/.test(text)) throw from.unsound('a fencing token that is none');
  return BigInt(text);
}
