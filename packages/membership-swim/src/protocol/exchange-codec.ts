import { ByteReader, ByteWriter } from '@quorate/core';
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
    if (part.end > 1 && part.end + bytes.byteLength + 2 > maxBytes) {
      yield part.copy();
      part = newPart();
    }
    part.sized(bytes);
  }
  yield part.copy();
}

/** The members of one part, or nothing when it is of another version or damaged. */
export function decodeStates(bytes: Uint8Array): readonly StateOfMember[] | undefined {
  const reader = new ByteReader('exchange', bytes);
  const states: StateOfMember[] = [];
  try {
    if (reader.u8() !== PROTOCOL_VERSION) return undefined;
    while (reader.left > 0) {
      const state = readState(new ByteReader('exchange', reader.sized('number', MAX_STATE_BYTES)));
      if (state === undefined || states.length === MAX_STATES) return undefined;
      states.push(state);
    }
    return states;
  } catch {
    return undefined;
  }
}

function newPart(): ByteWriter {
  return new ByteWriter().u8(PROTOCOL_VERSION);
}

function encodeState(state: StateOfMember): Uint8Array {
  const writer = new ByteWriter();
  writeState(writer, state);
  return writer.copy();
}
