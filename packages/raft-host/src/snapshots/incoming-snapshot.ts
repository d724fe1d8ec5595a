import {
  type Clock,
  ClusterError,
  type Crc32,
  type GroupLog,
  type NodeId,
  type SnapshotInfo,
  type Timer,
  toClusterError,
} from '@quorate/core';
import type { ByteStream } from './byte-stream.ts';
import { ContentFeed } from './content-feed.ts';
import {
  CHUNK_HEAD_BYTES,
  decodeChunkHead,
  MAX_CHUNK_BYTES,
  type OfferAnswer,
  type SnapshotOffer,
} from './transfer-messages.ts';

/** What an incoming snapshot needs of its surroundings. */
export interface IncomingParts {
  readonly clock: Clock;
  readonly crc32: Crc32;
  /** It is given up when so long nothing has come, in milliseconds. */
  readonly patienceMs: number;
  /** The snapshot is durable: told to the group, which is then done with it when the promise resolves. */
  saved(offer: SnapshotOffer, info: SnapshotInfo): Promise<void>;
  /** Nothing of it is under way any more. */
  over(): void;
}

/**
 * A snapshot that is being received, by one stream or by several of which each goes on where the last one broke. What it
 * has handed to the log store is checked: each chunk brings the checksum of all content up to its end.
 */
export class IncomingSnapshot {
  readonly from: NodeId;
  /** Resolves when nothing of it is under way any more, however it ended. */
  readonly ended: Promise<void>;
  readonly #log: GroupLog;
  readonly #parts: IncomingParts;
  #offer: SnapshotOffer;
  readonly #feed = new ContentFeed();
  #end: () => void = () => undefined;
  #attempt = 0;
  /** Whether the stream of this attempt is open. */
  #isAttached = false;
  #offset = 0;
  #checksum = 0;
  #timer: Timer | undefined;
  #saving: Promise<SnapshotInfo> | undefined;
  #finishing: Promise<void> | undefined;
  #failure: ClusterError | undefined;

  constructor(from: NodeId, offer: SnapshotOffer, log: GroupLog, parts: IncomingParts) {
    this.from = from;
    this.#offer = offer;
    this.#log = log;
    this.#parts = parts;
    this.ended = new Promise((resolve) => {
      this.#end = () => {
        parts.over();
        resolve();
      };
    });
    const existing = log.snapshot;
    if (existing?.index === offer.message.snapshot.metadata.index) this.#has(existing);
  }

  /** What was offered last. */
  get offer(): SnapshotOffer {
    return this.#offer;
  }

  /** Names the stream that may bring content. */
  get attempt(): number {
    return this.#attempt;
  }

  /** Waits for a stream, and could be given up for another snapshot. */
  get isWaiting(): boolean {
    return !this.#isAttached && this.#finishing === undefined && this.#failure === undefined;
  }

  /** All content is there: it can't be given up any more. */
  get isFinishing(): boolean {
    return this.#finishing !== undefined;
  }

  /** Given up, though the log store may not be done with it. */
  get isOver(): boolean {
    return this.#failure !== undefined;
  }

  /** Whether this goes on with what is offered now. */
  continues(from: NodeId, offer: SnapshotOffer): boolean {
    return from === this.from && identityOf(offer) === identityOf(this.#offer);
  }

  /** A stream is expected for this offer; an earlier one that is still open has no say any more. */
  expect(offer: SnapshotOffer, attempt: number): OfferAnswer {
    this.#offer = offer;
    this.#attempt = attempt;
    this.#isAttached = false;
    this.#beginToWait();
    return { attempt, offset: this.#offset, checksum: this.#checksum };
  }

  /** The stream of this attempt. Resolves when the snapshot is saved, and the group done with it. */
  async receive(attempt: number, stream: ByteStream): Promise<void> {
    this.#check(attempt);
    if (this.#isAttached) throw superseded();
    this.#isAttached = true;
    this.#beginToWait();
    try {
      await this.#receiveContent(attempt, stream);
      if ((await stream.read(1)) !== undefined) throw new ClusterError('PROTOCOL', 'content beyond the size offered');
      this.#check(attempt);
      this.#finishing ??= this.#finish();
      await this.#finishing;
    } finally {
      if (attempt === this.#attempt) this.#isAttached = false;
    }
  }

  /** Gives it up; nothing of it is kept. No effect when all content is there. */
  abort(error: ClusterError): void {
    if (this.#failure !== undefined || this.#finishing !== undefined) return;
    this.#failure = error;
    this.#timer?.cancel();
    this.#feed.fail(error);
    void this.#endWhenSaved();
  }

  async #receiveContent(attempt: number, stream: ByteStream): Promise<void> {
    const { size } = this.#offer;
    while (this.#offset < size) {
      if (this.#saving === undefined) this.#save();
      await this.#feed.room();
      this.#check(attempt);
      const head = await stream.read(CHUNK_HEAD_BYTES);
      if (head === undefined) throw new ClusterError('PROTOCOL', `content ends at ${this.#offset} of ${size} bytes`);
      const { length, checksum } = decodeChunkHead(head);
      if (length === 0 || length > Math.min(MAX_CHUNK_BYTES, size - this.#offset)) {
        throw new ClusterError('PROTOCOL', `a chunk of ${length} bytes at ${this.#offset} of ${size}`);
      }
      const chunk = await stream.read(length);
      this.#check(attempt);
      if (chunk === undefined || this.#parts.crc32(chunk, this.#checksum) !== checksum) {
        throw new ClusterError('PROTOCOL', `content is damaged behind ${this.#offset} of ${size} bytes`);
      }
      this.#feed.put(chunk);
      this.#offset += length;
      this.#checksum = checksum;
      this.#beginToWait();
    }
    if (this.#saving === undefined) this.#save();
  }

  /** @throws ClusterError when this stream has no say (any more), or the snapshot was given up */
  #check(attempt: number): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (attempt !== this.#attempt) throw superseded();
  }

  /** The log has it: only the group may not know yet. */
  #has(info: SnapshotInfo): void {
    this.#offset = this.#offer.size;
    this.#saving = Promise.resolve(info);
  }

  #save(): void {
    const { index, term } = this.#offer.message.snapshot.metadata;
    const { metadata } = this.#offer;
    this.#saving = this.#log.saveSnapshot({ index, term, metadata }, this.#feed);
    // Without effect when all content was there.
    this.#saving.then(
      () => this.abort(new ClusterError('IO', `the log store kept snapshot ${index} before it was whole`)),
      (error: unknown) => this.abort(toClusterError(error, 'IO', `snapshot ${index}`)),
    );
  }

  async #finish(): Promise<void> {
    this.#timer?.cancel();
    this.#feed.end();
    try {
      const info = await this.#saving;
      if (info !== undefined) await this.#parts.saved(this.#offer, info);
    } finally {
      this.#end();
    }
  }

  async #endWhenSaved(): Promise<void> {
    try {
      await this.#saving;
    } catch {
      // It is what this was given up for, or the consequence of that.
    }
    this.#end();
  }

  #beginToWait(): void {
    const { clock, patienceMs } = this.#parts;
    this.#timer?.cancel();
    if (this.#finishing !== undefined || this.#failure !== undefined) return;
    this.#timer = clock.setTimer(patienceMs, () => {
      this.abort(new ClusterError('TIMEOUT', `no content of a snapshot from ${this.from} for ${patienceMs} ms`));
    });
  }
}

/** What makes two offers of one node the same content: a number is never another node's, and a log has an index once. */
function identityOf({ group, formation, message, size }: SnapshotOffer): string {
  const { index, term } = message.snapshot.metadata;
  return `${group} ${formation} ${message.from} ${index} ${term} ${size}`;
}

function superseded(): ClusterError {
  return new ClusterError('REFUSED', 'this stream is not the one that was asked for last');
}
