import {
  ByteReader,
  ByteWriter,
  type Crc32,
  invalidOption,
  MAX_NUMBER_BYTES,
  MAX_SNAPSHOT_METADATA_BYTES,
  readU32,
  type SnapshotInfo,
} from '@quorate/core';
import type { Message } from '@quorate/raft';
import { decodeSnapshotMessage, encodeSnapshotMessage, type SnapshotMessage } from '../wire/snapshot-message.ts';

/** What a node would like to send. Its index and term are those of the message's snapshot. */
export interface SnapshotOffer {
  /** From 0 to 2^32 - 1. */
  readonly group: number;
  /** Tag of the group's formation. */
  readonly formation: number;
  readonly message: SnapshotMessage;
  /** What the log keeps with the snapshot. */
  readonly metadata: Uint8Array;
  /** Bytes of content. */
  readonly size: number;
}

/** From where on its receiver wants it. */
export interface OfferAnswer {
  /** Names the stream that is to follow, among all that go to this receiver. */
  readonly attempt: number;
  /** From 0 to the size: what comes before is there. */
  readonly offset: number;
  /** CRC-32 of what is there. */
  readonly checksum: number;
}

/** Before a piece of content: its bytes, and the CRC-32 of the content up to its end. */
export interface ChunkHead {
  readonly length: number;
  readonly checksum: number;
}

/** The most content under one checksum. */
export const MAX_CHUNK_BYTES: number = 256 * 1024;
export const CHUNK_HEAD_BYTES = 8;
/** At the beginning of a stream: version and attempt. */
export const STREAM_HEAD_BYTES = 5;

const VERSION = 1;
const OFFER = 1;
/** Version, type and checksum of what follows. */
const OFFER_HEAD_BYTES = 6;

/**
 * @throws ClusterError `INVALID_OPTIONS` for a message without a snapshot, another snapshot's message, or too much of
 * anything
 */
export function encodeOffer(
  group: number,
  formation: number,
  message: Message,
  { index, term, metadata, size }: SnapshotInfo,
  crc32: Crc32,
): Uint8Array {
  const encoded = encodeSnapshotMessage(message);
  if (message.snapshot?.metadata.index !== index || message.snapshot.metadata.term !== term) {
    throw invalidOption(
      'snapshot',
      'message',
      `about index ${index} of term ${term}`,
      message.snapshot?.metadata.index,
    );
  }
  if (metadata.length > MAX_SNAPSHOT_METADATA_BYTES) {
    throw invalidOption('snapshot', 'metadata', `up to ${MAX_SNAPSHOT_METADATA_BYTES} bytes`, metadata.length);
  }
  const writer = new ByteWriter(OFFER_HEAD_BYTES + 4 + 3 * MAX_NUMBER_BYTES + encoded.length + metadata.length);
  writer.u8(VERSION).u8(OFFER).u32(0);
  writer.number(group).u32(formation).number(size).sized(encoded).bytes(metadata);
  writer.u32At(OFFER_HEAD_BYTES - 4, crc32(writer.view(OFFER_HEAD_BYTES)));
  return writer.view();
}

/** @throws ClusterError `PROTOCOL` */
export function decodeOffer(bytes: Uint8Array, crc32: Crc32): SnapshotOffer {
  const reader = new ByteReader('snapshot offer', bytes);
  checkVersion(reader);
  const type = reader.u8();
  if (type !== OFFER) throw reader.unsound(`type ${type}`);
  if (reader.u32() !== crc32(bytes.subarray(OFFER_HEAD_BYTES))) throw reader.unsound('it is damaged');
  const group = reader.number(2 ** 32 - 1);
  const formation = reader.u32();
  const size = reader.number();
  const message = decodeSnapshotMessage(reader.sized());
  if (reader.left > MAX_SNAPSHOT_METADATA_BYTES) throw reader.unsound(`${reader.left} bytes of metadata`);
  return { group, formation, message, metadata: reader.rest(), size };
}

export function encodeAnswer({ attempt, offset, checksum }: OfferAnswer): Uint8Array {
  const writer = new ByteWriter(1 + 4 + MAX_NUMBER_BYTES + 4);
  return writer.u8(VERSION).u32(attempt).number(offset).u32(checksum).view();
}

/**
 * @param size of what was offered
 * @throws ClusterError `PROTOCOL`, also for an offset beyond it
 */
export function decodeAnswer(bytes: Uint8Array, size: number): OfferAnswer {
  const reader = new ByteReader('answer to a snapshot offer', bytes);
  checkVersion(reader);
  const attempt = reader.u32();
  const offset = reader.number();
  const checksum = reader.u32();
  if (offset > size || reader.left > 0) throw reader.unsound(`offset ${offset} of ${size}, then ${reader.left} bytes`);
  return { attempt, offset, checksum };
}

export function encodeStreamHead(attempt: number): Uint8Array {
  return new ByteWriter(STREAM_HEAD_BYTES).u8(VERSION).u32(attempt).view();
}

/**
 * The attempt that a stream belongs to.
 * @throws ClusterError `PROTOCOL`
 */
export function decodeStreamHead(bytes: Uint8Array): number {
  const reader = new ByteReader('snapshot stream', bytes);
  checkVersion(reader);
  return reader.u32();
}

export function encodeChunkHead({ length, checksum }: ChunkHead): Uint8Array {
  return new ByteWriter(CHUNK_HEAD_BYTES).u32(length).u32(checksum).view();
}

/** Of bytes that are all there. */
export function decodeChunkHead(bytes: Uint8Array): ChunkHead {
  return { length: readU32(bytes, 0), checksum: readU32(bytes, 4) };
}

function checkVersion(reader: ByteReader): void {
  const version = reader.u8();
  if (version !== VERSION) throw reader.unsound(`version ${version}, expected ${VERSION}`);
}
