import { type Crc32, messageKind, type NodeId, type Transport } from '@quorate/core';
import type { Message } from '@quorate/raft';
import type { EntryBatches } from './entry-batches.ts';
import { FrameWriter } from './wire/frame-writer.ts';

/**
 * A frame that has this much is sent: with what may be added last, one entry of `MAX_ENTRY_BYTES`, it stays below the
 * 1 MiB that transports take.
 */
const FULL_FRAME_BYTES: number = 256 * 1024;

/** Where a message belongs, and who is to be told when it could not be sent. */
export interface Sender {
  readonly id: number;
  readonly formationTag: number;
  /** This message, among others, was not sent. */
  unsent(message: Message): void;
}

interface Posted {
  readonly sender: Sender;
  readonly message: Message;
}

interface Peer {
  readonly writer: FrameWriter;
  /** Those in the frame that want to know whether they were sent. */
  readonly messages: Posted[];
  /** An append without entries, which waits whether the next message says all that it says. */
  held: Posted | undefined;
}

/** The messages of one turn, of all groups, gathered for each peer. */
export class Outbox {
  readonly #transport: Pick<Transport, 'sendNow'>;
  readonly #batches: EntryBatches;
  readonly #crc32: Crc32;
  readonly #peers = new Map<NodeId, Peer>();
  #isEmpty = true;
  #isUrgent = false;

  constructor(transport: Pick<Transport, 'sendNow'>, batches: EntryBatches, crc32: Crc32) {
    this.#transport = transport;
    this.#batches = batches;
    this.#crc32 = crc32;
  }

  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  /** Whether somebody waits for what is here. All that an append without entries says is how far the log is committed. */
  get isUrgent(): boolean {
    return this.#isUrgent;
  }

  add(to: NodeId, sender: Sender, message: Message): void {
    this.#isEmpty = false;
    const posted = { sender, message };
    const peer = this.#peerOf(to);
    if (peer.held !== undefined && !includes(posted, peer.held)) this.#write(peer, peer.held);
    peer.held = isBare(message) ? posted : undefined;
    if (peer.held !== undefined) return;
    this.#isUrgent = true;
    this.#write(peer, posted);
    if (peer.writer.bytes >= FULL_FRAME_BYTES) this.#send(to, peer);
  }

  /** Sends all that was gathered. */
  flush(): void {
    this.#isEmpty = true;
    this.#isUrgent = false;
    for (const [to, peer] of this.#peers) {
      if (peer.held !== undefined) this.#write(peer, peer.held);
      peer.held = undefined;
      if (!peer.writer.isEmpty) this.#send(to, peer);
    }
  }

  forget(to: NodeId): void {
    this.#peers.delete(to);
  }

  #peerOf(to: NodeId): Peer {
    let peer = this.#peers.get(to);
    if (peer === undefined) {
      peer = { writer: new FrameWriter(this.#crc32), messages: [], held: undefined };
      this.#peers.set(to, peer);
    }
    return peer;
  }

  #write({ writer, messages }: Peer, posted: Posted): void {
    const { sender, message } = posted;
    writer.add(sender.id, sender.formationTag, message, this.#batches.of);
    if (message.type === 'App') messages.push(posted);
  }

  #send(to: NodeId, { writer, messages }: Peer): void {
    const isSent = this.#transport.sendNow(to, messageKind.REPLICATE, writer.takeParts());
    const unsent = messages.splice(0);
    if (!isSent) for (const { sender, message } of unsent) sender.unsent(message);
  }
}

/** Whether all that it says is how far the log is committed. */
function isBare({ type, entries }: Message): boolean {
  return type === 'App' && entries.length === 0;
}

/** Whether an append says what the bare one before it does: it then goes, and is answered, in its place. */
function includes({ sender, message }: Posted, { sender: before, message: bare }: Posted): boolean {
  return (
    sender === before &&
    message.type === 'App' &&
    message.to === bare.to &&
    message.term === bare.term &&
    message.index === bare.index &&
    message.commit >= bare.commit
  );
}
