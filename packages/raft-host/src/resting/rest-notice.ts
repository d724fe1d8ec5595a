import { ByteReader, ByteWriter, MAX_NUMBER_BYTES } from '@quorate/core';

/** "Nothing is left to do in this group: let us both stop ticking." Of the leader, to each other member. */
export interface RestNotice {
  readonly group: number;
  /** Tag of its formation. */
  readonly formation: number;
  readonly term: number;
  /** The last entry, which is committed. */
  readonly index: number;
}

/** What one host says to another about none of its groups, or many: that it lives, and which groups may rest. */
export interface Pulse {
  readonly notices: readonly RestNotice[];
}

const VERSION = 1;
const MAX_NOTICE_BYTES: number = 4 + 3 * MAX_NUMBER_BYTES;
/** In one message. */
export const MAX_NOTICES = 4096;

/** @param notices at most `MAX_NOTICES` */
export function encodePulse({ notices }: Pulse): Uint8Array {
  const writer = new ByteWriter(1 + MAX_NUMBER_BYTES + notices.length * MAX_NOTICE_BYTES);
  writer.u8(VERSION).number(notices.length);
  for (const { group, formation, term, index } of notices) {
    writer.number(group).u32(formation).number(term).number(index);
  }
  return writer.view(0);
}

/** @throws ClusterError `PROTOCOL` */
export function decodePulse(bytes: Uint8Array): Pulse {
  const reader = new ByteReader('pulse', bytes);
  if (reader.u8() !== VERSION) throw reader.unsound('it is of another version');
  const count = reader.number(MAX_NOTICES);
  const notices: RestNotice[] = [];
  while (notices.length < count) {
    const [group, formation] = [reader.number(), reader.u32()];
    notices.push({ group, formation, term: reader.number(), index: reader.number() });
  }
  reader.end();
  return { notices };
}
