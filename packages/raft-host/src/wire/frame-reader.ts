import { ByteReader, ClusterError, type Crc32, readBatch, readU32 } from '@quorate/core';
import type { Entry, Message, MessageType } from '@quorate/raft';
import { BatchedEntry } from './batched-entry.ts';
import { ALL_FLAGS, CHECKSUM_AT, flag, FRAME_VERSION, HEADS_AT, LENGTH_AT, MAX_CONTEXT_BYTES } from './frame-format.ts';
import { messageTypeOf } from './message-code.ts';

/** A message of a group as it came from a peer. Whether it is meant for this node, and from whom it is, is not checked. */
export interface ReceivedMessage {
  /** From 0 to 2^32 - 1. */
  readonly group: number;
  /** Tag of the group's formation: a message of another one is not to be heard. */
  readonly formation: number;
  readonly message: Message;
}

const NO_ENTRIES: readonly Entry[] = [];
const NO_MESSAGES: readonly Message[] = [];
const MAX_GROUP: number = 2 ** 32 - 1;

/**
 * The messages of a frame. Entries' data and batches, and contexts, are views of its bytes, which must not change from now on.
 * @throws ClusterError `PROTOCOL` for anything but what a `FrameWriter` makes of sound messages
 */
export function readFrame(bytes: Uint8Array, crc32: Crc32): readonly ReceivedMessage[] {
  return new FrameReader(bytes, crc32).read();
}

class FrameReader {
  readonly #bytes: Uint8Array;
  readonly #crc32: Crc32;
  readonly #heads: ByteReader;
  /** Where the next batch begins. */
  #batchAt: number;

  constructor(bytes: Uint8Array, crc32: Crc32) {
    this.#bytes = bytes;
    this.#crc32 = crc32;
    this.#batchAt = endOfHeads(bytes, crc32);
    this.#heads = new ByteReader('raft frame', bytes, HEADS_AT, this.#batchAt);
  }

  read(): readonly ReceivedMessage[] {
    const messages: ReceivedMessage[] = [];
    while (this.#heads.left > 0) messages.push(this.#message());
    if (this.#batchAt !== this.#bytes.length) throw unsound('bytes behind its end');
    return messages;
  }

  #message(): ReceivedMessage {
    const heads = this.#heads;
    const type = messageTypeOf(heads.u8());
    const flags = heads.u8();
    if (type === undefined || flags > ALL_FLAGS) throw unsound('a message of an unknown type, or with unknown flags');
    const group = heads.number(MAX_GROUP);
    const formation = heads.u32();
    const from = heads.positive();
    const to = heads.positive();
    const term = heads.number();
    const logTerm = heads.number();
    const index = heads.number();
    const commit = heads.number();
    const rejectHint = heads.number();
    const reject = (flags & flag.REJECT) !== 0;
    const context = (flags & flag.CONTEXT) === 0 ? undefined : this.#context();
    const entries = (flags & flag.ENTRIES) === 0 ? NO_ENTRIES : this.#entries(type);
    const message: Message = {
      type,
      to,
      from,
      term,
      logTerm,
      index,
      entries,
      commit,
      vote: 0,
      reject,
      rejectHint,
      context,
      snapshot: undefined,
      responses: NO_MESSAGES,
    };
    checkMessage(message);
    return { group, formation, message };
  }

  #context(): Uint8Array {
    return this.#heads.bytes(this.#heads.u8(MAX_CONTEXT_BYTES));
  }

  #entries(type: MessageType): readonly Entry[] {
    const count = this.#heads.number();
    if (type !== 'App' || count === 0) throw unsound(`${count} entries in ${type}`);
    const entries: Entry[] = [];
    // Not bounded by `count` alone: it may be anything, but each takes bytes, and these end.
    for (let number = 0; number < count; number += 1) entries.push(this.#entry());
    return entries;
  }

  #entry(): Entry {
    const begin = this.#batchAt;
    const end = begin + this.#heads.number();
    if (end > this.#bytes.length) throw unsound('it is cut off');
    this.#batchAt = end;
    const batch = readBatch(this.#bytes.subarray(begin, end), this.#heads.u32(), this.#crc32);
    if (batch?.count !== 1) throw unsound('a batch that is damaged, or not of one entry');
    return new BatchedEntry(batch);
  }
}

/** Where the heads end, once version and checksum are right. */
function endOfHeads(bytes: Uint8Array, crc32: Crc32): number {
  if (bytes.length < HEADS_AT) throw unsound('it is cut off');
  if (bytes[0] !== FRAME_VERSION) throw unsound(`version ${bytes[0]}, expected ${FRAME_VERSION}`);
  const end = HEADS_AT + readU32(bytes, LENGTH_AT);
  if (end > bytes.length) throw unsound('it is cut off');
  if (crc32(bytes.subarray(LENGTH_AT, end)) !== readU32(bytes, CHECKSUM_AT)) throw unsound('it is damaged');
  return end;
}

/** What consensus relies on in every message, and no correct node breaks. */
function checkMessage(message: Message): void {
  if (message.term === 0 && !mayLackTerm(message)) throw unsound(`${message.type} of no term`);
  if (message.entries.length > 0) checkEntries(message);
}

/** Reads are forwarded without a term; whoever has seen no term yet can still refuse a pre-vote. */
function mayLackTerm({ type, reject }: Message): boolean {
  return type === 'ReadIndex' || (type === 'PreVoteResp' && reject);
}

/** They follow the entry before them, in terms that don't fall and that the sender has seen. */
function checkEntries({ index, logTerm, term, entries }: Message): void {
  let [lastIndex, lastTerm] = [index, logTerm];
  for (const entry of entries) {
    if (entry.index !== lastIndex + 1 || entry.term < lastTerm || entry.term > term || entry.term === 0) {
      throw unsound(
        `entry ${entry.index} of term ${entry.term} behind ${lastIndex} of term ${lastTerm} in term ${term}`,
      );
    }
    lastIndex = entry.index;
    lastTerm = entry.term;
  }
}

function unsound(flaw: string): ClusterError {
  return new ClusterError('PROTOCOL', `raft frame: ${flaw}`);
}
