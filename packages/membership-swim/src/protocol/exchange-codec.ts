import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { PROTOCOL_VERSION } from './packet-codec.ts';
import { readState, writeState } from './state-codec.ts';
import type { StateOfMember } from './types.ts';

/** The most members that one part of an exchange names. */
const MAX_STATES = 65_536;
/** The most bytes of one member: its description and what is said of it. */
const MAX_STATE_BYTES = 2048;

/** What a node captured, in parts of at most about `maxBytes`, each of which can be read by itself. At least one. */
export function* encodeStates(
  states: Iterable<StateOfMember>,
  maxBytes: number,
): Generator<Uint8Array<ArrayBuffer>, void, undefined> {
  let part = newPart();
  for (const state of states) {
    const bytes = encodeState(state);
    if (part.length > 1 && part.length + bytes.byteLength + 2 > maxBytes) {
      yield part.take();
      part = newPart();
    }
    part.sized(bytes);
  }
  yield part.take();
}

/** The members of one part, or nothing when it is of another version or damaged. */
export function decodeStates(bytes: Uint8Array): readonly StateOfMember[] | undefined {
  const reader = new ByteReader(bytes);
  if (reader.byte() !== PROTOCOL_VERSION) return undefined;
  const states: StateOfMember[] = [];
  while (reader.left > 0) {
    const state = readState(new ByteReader(reader.sized(MAX_STATE_BYTES)));
    if (reader.failed || state === undefined || states.length === MAX_STATES) return undefined;
    states.push(state);
  }
  return states;
}

function newPart(): ByteWriter {
  const part = new ByteWriter();
  part.byte(PROTOCOL_VERSION);
  return part;
}

function encodeState(state: StateOfMember): Uint8Array {
  const writer = new ByteWriter();
  writeState(writer, state);
  return writer.take();
}
