import { crc32 } from '@quorate/core';
import type { Message } from '@quorate/raft';
import { describe, expect, it } from 'vitest';
import { readFrame } from '../../src/wire/frame-reader.ts';
import { type Addressed, ANSWER, frameOf, nothing } from './arbitrary-messages.ts';

interface Golden {
  readonly given: readonly Addressed[];
  readonly hex: string;
}

const heartbeat: Message = {
  ...ANSWER,
  ...nothing,
  type: 'Heartbeat',
  commit: 2 ** 40,
  context: Uint8Array.from([1, 2, 3]),
};
const read: Message = { ...ANSWER, ...nothing, type: 'ReadIndex', term: 0, context: new Uint8Array() };
const append: Message = {
  ...ANSWER,
  ...nothing,
  type: 'App',
  term: 7,
  logTerm: 6,
  index: 9,
  commit: 8,
  entries: [
    { index: 10, term: 6, type: 'normal', data: new TextEncoder().encode('hi') },
    { index: 11, term: 7, type: 'conf-change-v2', data: new Uint8Array() },
  ],
};

/** What every release that speaks version 1 writes and reads, byte for byte. */
const golden: Readonly<Record<string, Golden>> = {
  'an answer that rejects': {
    given: [{ group: 1, formation: 0xcafe_f00d, message: ANSWER }],
    hex: '01 43cbf65a 00000010  02 01 01 cafef00d 03 02 05 04 ac02 00 ab02',
  },
  'a heartbeat, and a read of another group': {
    given: [
      { group: 200, formation: 1, message: heartbeat },
      { group: 0xffff_ffff, formation: 0xffff_ffff, message: read },
    ],
    hex: `01 82de954a 0000002b
      07 02 c801 00000001 03 02 05 00 00 808080808020 00  03 010203
      0b 02 ffffffff0f ffffffff 03 02 00 00 00 00 00  00`,
  },
  'an append of two entries': {
    given: [{ group: 1, formation: 2, message: append }],
    hex: `01 37fc467e 00000019
      01 04 01 00000002 03 02 07 06 09 08 00  02  1b f436bbce  19 4758e65d
      000000000000000a 0000000000000006 00000001  00 00000002 6869
      000000000000000b 0000000000000007 00000001  02 00000000`,
  },
};

describe('version 1 of frames', () => {
  it.each(Object.entries(golden))('is written and read as ever: %s', (_what, { given, hex }) => {
    const bytes = Uint8Array.from(Buffer.from(hex.replaceAll(/\s/gu, ''), 'hex'));
    expect(frameOf(given)).toEqual(bytes);
    const received = readFrame(bytes, crc32);
    expect(received.map(({ group, formation, message }) => ({ group, formation, message }))).toEqual(given);
  });
});
