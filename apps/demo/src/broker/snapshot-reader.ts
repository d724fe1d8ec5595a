import { ByteReader, ClusterError, type RestoreOptions } from '@quorate/core';
import { BrokerState } from './broker-state.ts';
import { countIn, readHeaders } from './command-codec.ts';
import type { BrokerLimits } from './limits.ts';
import { Message, type MessageState, NO_HEADERS, state } from './message.ts';
import type { Queue } from './queue.ts';
import { contentOf, latin1 } from './message-content.ts';
import { block, HAS_HEADERS, HAS_KEY, type SnapshotHead } from './snapshot-format.ts';

const WHAT = 'broker snapshot';
/** More than a page of messages of the greatest size. */
const MAX_BLOCK_BYTES = 16_777_216;

/** The state of which these are the bytes. @throws ClusterError `CORRUPT`, what the chunks throw */
export async function readBroker(
  chunks: AsyncIterable<Uint8Array>,
  limits: BrokerLimits,
  { signal }: RestoreOptions,
): Promise<BrokerState> {
  const reading = new SnapshotReading(limits);
  try {
    for await (const chunk of chunks) {
      signal?.throwIfAborted();
      reading.add(chunk);
    }
    return reading.end();
  } catch (error) {
    if (error instanceof ClusterError && error.code === 'PROTOCOL') {
      throw new ClusterError('CORRUPT', error.message, { cause: error });
    }
    throw error;
  }
}

/** Takes chunks as they come, cut wherever they may be. */
class SnapshotReading {
  readonly #limits: BrokerLimits;
  readonly #queues = new Map<number, Queue>();
  #broker: BrokerState | undefined;
  /** What has come and is no whole block yet. */
  #rest: Buffer = Buffer.alloc(0);
  #isOver = false;
  #lastSequence = 0;

  constructor(limits: BrokerLimits) {
    this.#limits = limits;
  }

  add(chunk: Uint8Array): void {
    const bytes = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (;;) {
      const extent = blockAt(bytes, at);
      if (extent === undefined) break;
      this.#block(extent.kind, bytes.subarray(extent.from, extent.to));
      at = extent.to;
    }
    this.#rest = bytes.subarray(at);
  }

  end(): BrokerState {
    if (!this.#isOver || this.#rest.length > 0 || this.#broker === undefined) throw corrupt('it is cut off');
    for (const queue of this.#broker.queues.values()) this.#broker.reschedule(queue);
    return this.#broker;
  }

  #block(kind: number, bytes: Uint8Array): void {
    if (this.#isOver) throw corrupt('bytes behind its end');
    if (kind === block.head) return this.#head(bytes);
    const reader = new ByteReader(WHAT, bytes);
    const broker = this.#broker;
    if (broker === undefined) throw corrupt('it has no head');
    if (kind === block.ids) this.#ids(broker, reader);
    else if (kind === block.messages) this.#messages(broker, reader);
    else if (kind === block.end) this.#isOver = true;
    else throw corrupt(`a block of kind ${kind}`);
    reader.end();
  }

  #head(bytes: Uint8Array): void {
    if (this.#broker !== undefined) throw corrupt('it has two heads');
    const broker = new BrokerState(this.#limits);
    try {
      const head = JSON.parse(new TextDecoder().decode(bytes)) as SnapshotHead;
      this.#fill(broker, head);
    } catch (cause) {
      throw corrupt('its head is none', cause);
    }
    this.#broker = broker;
  }

  #fill(broker: BrokerState, head: SnapshotHead): void {
    broker.now = head.now;
    broker.sequence = head.sequence;
    broker.queueNumber = head.queueNumber;
    broker.token = BigInt(head.token);
    for (const { name, number, options, totals } of head.queues) {
      this.#queues.set(number, broker.addQueue(name, options, number, totals));
    }
    for (const { name, accepted, subscriptions } of head.topics) {
      const queues = subscriptions.map((each) => [each, queueNamed(broker, `${name}:${each}`)] as const);
      broker.topics.set(name, { accepted, subscriptions: new Map(queues) });
    }
  }

  #ids(broker: BrokerState, reader: ByteReader): void {
    const queue = this.#queue(reader.number());
    for (let left = countIn(reader); left > 0; left -= 1) {
      broker.remember(queue, reader.text(), reader.number(), reader.number());
    }
  }

  #messages(broker: BrokerState, reader: ByteReader): void {
    for (let left = countIn(reader); left > 0; left -= 1) this.#message(broker, reader);
  }

  #message(broker: BrokerState, reader: ByteReader): void {
    const flags = reader.u8(HAS_KEY | HAS_HEADERS);
    const queue = this.#queue(reader.number());
    const sequence = reader.number();
    if (sequence <= this.#lastSequence || sequence > broker.sequence)
      throw corrupt(`message ${sequence} is out of place`);
    this.#lastSequence = sequence;
    const [stage, attempt, due, priority] = [reader.u8(state.inFlight), reader.number(), reader.number(), reader.u8(9)];
    const [id, body] = [reader.text(), latin1(reader.sized())];
    const key = (flags & HAS_KEY) === 0 ? undefined : reader.text();
    const headers = (flags & HAS_HEADERS) === 0 ? NO_HEADERS : readHeaders(reader);
    const message = new Message(sequence, queue.content, contentOf({ id, body, key, priority, headers }));
    message.state = stage as MessageState;
    message.attempt = attempt;
    message.due = due;
    broker.enter(queue, message);
  }

  #queue(number: number): Queue {
    const queue = this.#queues.get(number);
    if (queue === undefined) throw corrupt(`there is no queue ${number}`);
    return queue;
  }
}

function queueNamed(broker: BrokerState, name: string): Queue {
  const queue = broker.queues.get(name);
  if (queue === undefined) throw new Error(`there is no queue ${name}`);
  return queue;
}

/** Undefined as long as it has not come whole. */
function blockAt(
  bytes: Uint8Array,
  begin: number,
): { readonly kind: number; readonly from: number; readonly to: number } | undefined {
  let length = 0;
  let scale = 1;
  for (let at = begin + 1; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    length += (byte % 0x80) * scale;
    if (length > MAX_BLOCK_BYTES) throw corrupt(`a block of ${length} bytes`);
    scale *= 0x80;
    if (byte >= 0x80) continue;
    const from = at + 1;
    return from + length > bytes.length ? undefined : { kind: bytes[begin] ?? 0, from, to: from + length };
  }
  return undefined;
}

function corrupt(flaw: string, cause?: unknown): ClusterError {
  return new ClusterError('CORRUPT', `${WHAT}: ${flaw}`, { cause });
}
