import { ByteReader, ByteWriter, invalidOption } from '@quorate/core';
import { type ConfState, fromConfState, type Message, type Snapshot } from '@quorate/raft';

const VERSION = 1;
/** The most bytes of a snapshot's `data`: the metadata that the log keeps with it, and some more. */
const MAX_DATA_BYTES: number = 72 * 1024;
/** The most nodes in one list of a configuration. */
const MAX_MEMBERS = 1024;
const NONE_SET: Pick<Message, 'logTerm' | 'index' | 'entries' | 'commit' | 'vote' | 'reject' | 'rejectHint'> = {
  logTerm: 0,
  index: 0,
  entries: [],
  commit: 0,
  vote: 0,
  reject: false,
  rejectHint: 0,
};

/** A message that carries a snapshot. */
export type SnapshotMessage = Message & { readonly type: 'Snap'; readonly snapshot: Snapshot };

/**
 * A `Snap` message on its own: it never goes into a frame.
 * @throws ClusterError `INVALID_OPTIONS` for another message, or more than 72 KiB of data, or 1,024 nodes in a list
 */
export function encodeSnapshotMessage({ type, from, to, term, snapshot }: Message): Uint8Array {
  if (type !== 'Snap' || snapshot === undefined) throw invalidOption('message', 'type', 'Snap, with a snapshot', type);
  const { metadata, data } = snapshot;
  if (data.length > MAX_DATA_BYTES)
    throw invalidOption('snapshot', 'data', `up to ${MAX_DATA_BYTES} bytes`, data.length);
  const writer = new ByteWriter(256 + data.length);
  writer.u8(VERSION);
  for (const value of [from, to, term, metadata.index, metadata.term]) writer.number(value);
  writeConfState(writer, metadata.confState);
  return writer.sized(data).view();
}

/**
 * Its data is a view of the bytes.
 * @throws ClusterError `PROTOCOL` for anything but what `encodeSnapshotMessage` makes of a sound message
 */
export function decodeSnapshotMessage(bytes: Uint8Array): SnapshotMessage {
  const reader = new ByteReader('snapshot message', bytes);
  const version = reader.u8();
  if (version !== VERSION) throw reader.unsound(`version ${version}, expected ${VERSION}`);
  const [from, to, term, index, snapshotTerm] = [1, 2, 3, 4, 5].map(() => reader.positive()) as Five;
  if (snapshotTerm > term) throw reader.unsound(`a snapshot of term ${snapshotTerm} in term ${term}`);
  const confState = readConfState(reader);
  const length = reader.number();
  if (length > MAX_DATA_BYTES || length !== reader.left) throw reader.unsound(`${length} bytes of data`);
  const snapshot = { metadata: { index, term: snapshotTerm, confState }, data: reader.bytes(length) };
  return { type: 'Snap', to, from, term, ...NONE_SET, context: undefined, snapshot, responses: [] };
}

type Five = [number, number, number, number, number];

function writeConfState(writer: ByteWriter, state: ConfState): void {
  for (const ids of [state.voters, state.votersOutgoing, state.learners, state.learnersNext]) {
    if (ids.length > MAX_MEMBERS)
      throw invalidOption('snapshot', 'confState', `up to ${MAX_MEMBERS} nodes`, ids.length);
    writer.number(ids.length);
    for (const id of ids) writer.number(id);
  }
  writer.u8(state.autoLeave ? 1 : 0);
}

/** Consensus would stop a group for a configuration that can't be. */
function readConfState(reader: ByteReader): ConfState {
  const voters = readIds(reader);
  const votersOutgoing = readIds(reader);
  const learners = readIds(reader);
  const learnersNext = readIds(reader);
  const autoLeave = reader.u8(1);
  const state = { voters, votersOutgoing, learners, learnersNext, autoLeave: autoLeave === 1 };
  try {
    fromConfState(state);
  } catch (error) {
    throw reader.unsound('a configuration that can be none', error);
  }
  return state;
}

function readIds(reader: ByteReader): readonly number[] {
  const count = reader.number();
  if (count > MAX_MEMBERS || count > reader.left) throw reader.unsound(`a list of ${count} nodes`);
  const ids: number[] = [];
  for (let number = 0; number < count; number += 1) ids.push(reader.positive());
  if (new Set(ids).size !== count) throw reader.unsound('a list that has a node twice');
  return ids;
}
