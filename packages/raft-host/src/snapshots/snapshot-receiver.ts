import {
  type ClusterContext,
  ClusterError,
  type Crc32,
  type GroupLog,
  type NodeId,
  type SnapshotInfo,
} from '@quorate/core';
import type { SnapshotMessage } from '../wire/snapshot-message.ts';
import { ByteStream } from './byte-stream.ts';
import { IncomingSnapshot } from './incoming-snapshot.ts';
import type { TransferSettings } from './transfer-options.ts';
import {
  decodeOffer,
  decodeStreamHead,
  encodeAnswer,
  type SnapshotOffer,
  STREAM_HEAD_BYTES,
} from './transfer-messages.ts';

/** What the groups of this node say to snapshots that others offer. */
export interface SnapshotTaker {
  /** The log of the group, if this node is a member of it in that formation. */
  find(group: number, formation: number): GroupLog | undefined;
  /** Whether the message is this peer's to send, and meant for this node. Asked at the offer, and again at the end. */
  accepts(from: NodeId, group: number, formation: number, message: SnapshotMessage): boolean;
  /**
   * The snapshot is in the group's log store. The sender is told when the promise resolves, and until then no other
   * takes the snapshot's place. It may come again for the same snapshot.
   */
  received(from: NodeId, group: number, formation: number, message: SnapshotMessage, info: SnapshotInfo): Promise<void>;
}

const MAX_ATTEMPT: number = 2 ** 32 - 1;

/** Takes snapshots in: at most one of a group at a time, and few in all. */
export class SnapshotReceiver {
  readonly #context: Pick<ClusterContext, 'clock'>;
  readonly #crc32: Crc32;
  readonly #settings: TransferSettings;
  readonly #taker: SnapshotTaker;
  /** By group. */
  readonly #incoming = new Map<number, IncomingSnapshot>();
  #lastAttempt = 0;
  #isClosed = false;

  constructor(context: Pick<ClusterContext, 'clock'>, crc32: Crc32, settings: TransferSettings, taker: SnapshotTaker) {
    this.#context = context;
    this.#crc32 = crc32;
    this.#settings = settings;
    this.#taker = taker;
  }

  /**
   * Answers an offer.
   * @throws ClusterError `PROTOCOL`; `NOT_FOUND` for an unknown group; `REFUSED` when it isn't wanted; `OVERLOADED` when
   * it may be later
   */
  async answer(from: NodeId, payload: Uint8Array): Promise<Uint8Array> {
    const offer = decodeOffer(payload, this.#crc32);
    for (;;) {
      const log = this.#logFor(from, offer);
      const present = this.#incoming.get(offer.group);
      if (present === undefined) return this.#expect(this.#begin(from, offer, log), offer);
      if (!present.isOver) {
        if (present.continues(from, offer)) return this.#expect(present, offer);
        refuseUnlessBetter(offer, present);
        present.abort(new ClusterError('REFUSED', `another snapshot of group ${offer.group} is preferred`));
      }
      await present.ended;
    }
  }

  /** Takes in a stream that an answer asked for. */
  async receive(from: NodeId, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const stream = new ByteStream(chunks);
    const head = await stream.read(STREAM_HEAD_BYTES);
    const attempt = decodeStreamHead(head ?? new Uint8Array());
    const incoming = [...this.#incoming.values()].find((each) => each.attempt === attempt && each.from === from);
    if (incoming === undefined) throw new ClusterError('REFUSED', 'no such stream was asked for, or it comes too late');
    await incoming.receive(attempt, stream);
  }

  /** Gives up what is under way, and waits until the log stores are done with it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const incoming = [...this.#incoming.values()];
    for (const each of incoming) each.abort(new ClusterError('CLOSED', 'this node takes no more snapshots'));
    await Promise.all(incoming.map((each) => each.ended));
  }

  /** @throws ClusterError when the snapshot isn't wanted */
  #logFor(from: NodeId, { group, formation, message, size }: SnapshotOffer): GroupLog {
    if (this.#isClosed) throw new ClusterError('CLOSED', 'this node takes no more snapshots');
    const log = this.#taker.find(group, formation);
    if (log === undefined) throw new ClusterError('NOT_FOUND', `group ${group} is not here in that formation`);
    const { index, term } = message.snapshot.metadata;
    const { snapshot } = log;
    const isOld = snapshot !== undefined && index <= snapshot.index;
    if (isOld && !(index === snapshot.index && term === snapshot.term)) {
      throw new ClusterError('REFUSED', `group ${group} has snapshot ${snapshot.index} already, ${index} is older`);
    }
    const { maxSnapshotBytes } = this.#settings;
    if (size > maxSnapshotBytes) throw new ClusterError('REFUSED', `${size} bytes are more than ${maxSnapshotBytes}`);
    if (this.#taker.accepts(from, group, formation, message)) return log;
    throw new ClusterError('REFUSED', `group ${group} does not want snapshot ${index} from ${from}`);
  }

  #begin(from: NodeId, offer: SnapshotOffer, log: GroupLog): IncomingSnapshot {
    const { maxReceives, patienceMs } = this.#settings;
    if (this.#incoming.size >= maxReceives) {
      throw new ClusterError('OVERLOADED', `${maxReceives} snapshots are being received`, { outcome: 'not-applied' });
    }
    const incoming = new IncomingSnapshot(from, offer, log, {
      clock: this.#context.clock,
      crc32: this.#crc32,
      patienceMs,
      saved: (latest, info) => this.#saved(from, latest, info),
      over: () => void this.#incoming.delete(offer.group),
    });
    this.#incoming.set(offer.group, incoming);
    return incoming;
  }

  #expect(incoming: IncomingSnapshot, offer: SnapshotOffer): Uint8Array {
    this.#lastAttempt = this.#lastAttempt === MAX_ATTEMPT ? 1 : this.#lastAttempt + 1;
    return encodeAnswer(incoming.expect(offer, this.#lastAttempt));
  }

  async #saved(from: NodeId, { group, formation, message }: SnapshotOffer, info: SnapshotInfo): Promise<void> {
    const isWanted =
      this.#taker.find(group, formation) !== undefined && this.#taker.accepts(from, group, formation, message);
    if (!isWanted) throw new ClusterError('REFUSED', `group ${group} no longer wants snapshot ${info.index}`);
    await this.#taker.received(from, group, formation, message, info);
  }
}

/** What flows goes on unless something newer comes; what waits gives way to whoever is there. */
function refuseUnlessBetter({ group, message }: SnapshotOffer, present: IncomingSnapshot): void {
  const isNewer = message.snapshot.metadata.index > present.offer.message.snapshot.metadata.index;
  if (!present.isFinishing && (isNewer || present.isWaiting)) return;
  throw new ClusterError('OVERLOADED', `another snapshot of group ${group} is being received`, {
    outcome: 'not-applied',
  });
}
