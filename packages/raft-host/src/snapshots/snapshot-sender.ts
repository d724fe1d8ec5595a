import {
  type CallOptions,
  type ClusterContext,
  ClusterError,
  type Crc32,
  type GroupLog,
  linkSignals,
  messageKind,
  type NodeId,
  type OutgoingStream,
  type SnapshotInfo,
  throwIfAborted,
  withDeadline,
} from '@quorate/core';
import type { Message } from '@quorate/raft';
import { Slots } from './slots.ts';
import { TokenBucket } from './token-bucket.ts';
import {
  decodeAnswer,
  encodeChunkHead,
  encodeOffer,
  encodeStreamHead,
  MAX_CHUNK_BYTES,
  type OfferAnswer,
} from './transfer-messages.ts';
import type { TransferSettings } from './transfer-options.ts';

/** Chunks of a slow transfer are so small that the receiver sees it move. */
const CHUNKS_PER_SECOND = 4;

/** A snapshot, whose message has its index and term, on its way to a peer. */
export interface OutgoingSnapshot {
  readonly to: NodeId;
  /** From 0 to 2^32 - 1. */
  readonly group: number;
  /** Tag of the group's formation. */
  readonly formation: number;
  /** The `Snap` message that the peer is to get with it. */
  readonly message: Message;
  readonly log: GroupLog;
  readonly info: SnapshotInfo;
}

/** Sends snapshots, few at a time, at a bounded pace. */
export class SnapshotSender {
  readonly #context: Pick<ClusterContext, 'clock' | 'transport'>;
  readonly #crc32: Crc32;
  readonly #patienceMs: number;
  readonly #chunkBytes: number;
  readonly #slots: Slots;
  readonly #bucket: TokenBucket;
  /** What is being sent, or waits for its turn, by group and receiver. */
  readonly #sending = new Map<number, Set<NodeId>>();
  readonly #closing = new AbortController();

  constructor(context: Pick<ClusterContext, 'clock' | 'transport'>, crc32: Crc32, settings: TransferSettings) {
    const { maxSends, patienceMs, snapshotBytesPerSecond } = settings;
    this.#context = context;
    this.#crc32 = crc32;
    this.#patienceMs = patienceMs;
    this.#chunkBytes = Math.min(MAX_CHUNK_BYTES, Math.floor(snapshotBytesPerSecond / CHUNKS_PER_SECOND));
    this.#slots = new Slots(maxSends);
    this.#bucket = new TokenBucket(context.clock, snapshotBytesPerSecond);
  }

  /** Whether a snapshot of this group is being sent, or waits for its turn. */
  isSending(group: number): boolean {
    return this.#sending.has(group);
  }

  /** See `SnapshotTransfer.send`. */
  async send(outgoing: OutgoingSnapshot, { signal }: CallOptions = {}): Promise<void> {
    const { to, group, formation, message, info } = outgoing;
    const offer = encodeOffer(group, formation, message, info, this.#crc32);
    const release = this.#enter(group, to);
    const closing = this.#closing.signal;
    using options = linkSignals(signal, closing);
    try {
      using _slot = await this.#slots.take(nameOf(outgoing), options);
      const { transport } = this.#context;
      const answer = decodeAnswer(await transport.request(to, messageKind.SYNC, offer, options), info.size);
      await this.#stream(outgoing, answer, options);
    } catch (error) {
      if (closing.aborted) throw new ClusterError('CLOSED', `${nameOf(outgoing)}: the node stops`, { cause: error });
      throw error;
    } finally {
      release();
    }
  }

  /** Everything under way rejects with `CLOSED`. */
  close(): void {
    this.#closing.abort();
  }

  /** @throws ClusterError `OVERLOADED` when this group sends one to this peer already */
  #enter(group: number, to: NodeId): () => void {
    const peers = this.#sending.get(group) ?? new Set();
    if (peers.has(to)) {
      throw new ClusterError('OVERLOADED', `a snapshot of group ${group} is on its way to ${to}`, {
        outcome: 'not-applied',
      });
    }
    this.#sending.set(group, peers.add(to));
    return () => {
      peers.delete(to);
      if (peers.size === 0) this.#sending.delete(group);
    };
  }

  async #stream(outgoing: OutgoingSnapshot, answer: OfferAnswer, options: CallOptions): Promise<void> {
    const { transport } = this.#context;
    const open = (signal: AbortSignal) => transport.openStream(outgoing.to, messageKind.SYNC, { signal });
    const stream = await this.#patiently(outgoing, open, options);
    try {
      await this.#write(outgoing, stream, encodeStreamHead(answer.attempt), options);
      await this.#writeContent(outgoing, stream, answer, options);
      await this.#patiently(outgoing, () => stream.end(), options);
    } finally {
      await stream[Symbol.asyncDispose]();
    }
  }

  async #writeContent(
    outgoing: OutgoingSnapshot,
    stream: OutgoingStream,
    { offset, checksum: before }: OfferAnswer,
    options: CallOptions,
  ): Promise<void> {
    const { log, info } = outgoing;
    let checksum = before;
    for (let at = offset; at < info.size;) {
      const chunk = await log.readSnapshot(info, at, this.#chunkBytes);
      if (chunk.length === 0) throw new ClusterError('CORRUPT', `${nameOf(outgoing)} ends at ${at} of ${info.size}`);
      throwIfAborted(options.signal, nameOf(outgoing));
      await this.#bucket.take(chunk.length, options);
      checksum = this.#crc32(chunk, checksum);
      await this.#write(outgoing, stream, encodeChunkHead({ length: chunk.length, checksum }), options);
      await this.#write(outgoing, stream, chunk, options);
      at += chunk.length;
    }
  }

  #write(outgoing: OutgoingSnapshot, stream: OutgoingStream, bytes: Uint8Array, options: CallOptions): Promise<void> {
    return this.#patiently(outgoing, () => stream.write(bytes), options);
  }

  /** A peer that stops reading must not hold a place for ever. */
  #patiently<T>(
    outgoing: OutgoingSnapshot,
    call: (signal: AbortSignal) => Promise<T>,
    options: CallOptions,
  ): Promise<T> {
    return withDeadline(this.#context.clock, this.#patienceMs, nameOf(outgoing), call, options);
  }
}

function nameOf({ group, to, info }: OutgoingSnapshot): string {
  return `snapshot ${info.index} of group ${group} to ${to}`;
}
