import { ByteWriter, type CallOptions, type SnapshotSource } from '@quorate/core';
import type { BrokerState } from './broker-state.ts';
import { writeHeaders } from './command-codec.ts';
import { NO_HEADERS } from './message.ts';
import type { CapturedMessage } from './message-store.ts';
import type { CapturedIds } from './remembered-ids.ts';
import { block, HAS_HEADERS, HAS_KEY, type SnapshotHead } from './snapshot-format.ts';

const CHUNK_BYTES = 131_072;

/** The state as it is now, to be read while it goes on. Costs a list of pages, and of the queues. */
export function captureBroker(broker: BrokerState): SnapshotSource {
  const head = JSON.stringify(headOf(broker));
  const ids = [...broker.queues.values()].map(({ number, ids: each }) => ({ number, ids: each.capture() }));
  const messages = broker.store.capture();
  return {
    async *chunks({ signal }: CallOptions) {
      const writer = new ByteWriter(2 * CHUNK_BYTES);
      for (const each of blocks(head, ids, messages.pages())) {
        signal?.throwIfAborted();
        writer.u8(each.kind);
        writer.sized(each.bytes);
        if (writer.end < CHUNK_BYTES) continue;
        yield writer.copy();
        writer.end = 0;
      }
      yield writer.copy();
    },
    release: () => messages.release(),
  };
}

function headOf(broker: BrokerState): SnapshotHead {
  return {
    now: broker.now,
    sequence: broker.sequence,
    queueNumber: broker.queueNumber,
    token: String(broker.token),
    queues: [...broker.queues.values()].map(({ name, number, options, totals }) => ({ name, number, options, totals })),
    topics: [...broker.topics].map(([name, { accepted, subscriptions }]) => {
      return { name, accepted, subscriptions: [...subscriptions.keys()] };
    }),
  };
}

interface Block {
  readonly kind: number;
  /** Good until the next block is asked for. */
  readonly bytes: Uint8Array;
}

function* blocks(
  head: string,
  ids: readonly { readonly number: number; readonly ids: CapturedIds }[],
  pages: Iterable<readonly CapturedMessage[]>,
): Generator<Block> {
  const writer = new ByteWriter(CHUNK_BYTES);
  yield { kind: block.head, bytes: new TextEncoder().encode(head) };
  for (const { number, ids: captured } of ids) yield* idBlocks(writer, number, captured);
  for (const messages of pages) {
    if (messages.length === 0) continue;
    writer.end = 0;
    writer.number(messages.length);
    for (const message of messages) writeMessage(writer, message);
    yield { kind: block.messages, bytes: writer.view() };
  }
  yield { kind: block.end, bytes: new Uint8Array() };
}

function* idBlocks(writer: ByteWriter, number: number, { chunks, from, to }: CapturedIds): Generator<Block> {
  for (const [place, { ids, sequences, times }] of chunks.entries()) {
    const begin = place === 0 ? from : 0;
    const end = place === chunks.length - 1 ? to : ids.length;
    writer.end = 0;
    writer.number(number);
    writer.number(end - begin);
    for (let at = begin; at < end; at += 1) {
      writer.text(ids[at] ?? '');
      writer.number(sequences[at] ?? 0);
      writer.number(times[at] ?? 0);
    }
    yield { kind: block.ids, bytes: writer.view() };
  }
}

function writeMessage(to: ByteWriter, { message, state, attempt, due }: CapturedMessage): void {
  const { id, body, key, priority, headers } = message.content;
  to.u8((key === undefined ? 0 : HAS_KEY) | (headers === NO_HEADERS ? 0 : HAS_HEADERS));
  to.number(message.among.queueNumber);
  to.number(message.sequence);
  to.u8(state);
  to.number(attempt);
  to.number(due);
  to.u8(priority);
  to.text(id);
  to.sized(Buffer.from(body, 'latin1'));
  if (key !== undefined) to.text(key);
  if (headers !== NO_HEADERS) writeHeaders(to, headers);
}
