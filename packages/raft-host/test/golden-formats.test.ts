import { ClusterError, type Codec, crc32 } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import { type Command, CommandBatchWriter, decodeCommandBatch } from '../src/commands/command-batch.ts';
import { DONE } from '../src/commands/command-outcome.ts';
import { encodeMachineHeader, readMachineHeader } from '../src/commands/machine-header.ts';
import { OutcomeCodec } from '../src/commands/outcome-codec.ts';
import type { Session } from '../src/commands/session.ts';
import { SessionTable } from '../src/commands/session-table.ts';
import { decodeSkip, encodeSkip } from '../src/commands/skip.ts';
import { SkipSet } from '../src/commands/skip-set.ts';
import { decodeForwarded, encodeAnswers, encodeForwarded } from '../src/forwarding.ts';
import { decodePulse, encodePulse } from '../src/resting/rest-notice.ts';
import {
  decodeAnswer,
  decodeChunkHead,
  decodeOffer,
  decodeStreamHead,
  encodeAnswer,
  encodeChunkHead,
  encodeOffer,
  encodeStreamHead,
} from '../src/snapshots/transfer-messages.ts';
import { nothing } from './wire/arbitrary-messages.ts';

const NO_BYTES = new Uint8Array();
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const codec: Codec<Uint8Array> = { encode: (value) => value, decode: (bytes) => bytes };

const commands: readonly Command[] = [
  { kind: 'plain', data: bytesOf('hi') },
  { kind: 'in-session', sessionId: 300, sequence: 2 ** 31, settled: 2 ** 40, data: NO_BYTES },
  { kind: 'open-session', ttlMs: 60_000 },
  { kind: 'keep-session', sessionId: 127 },
  { kind: 'close-session', sessionId: 128 },
];
const confState = { voters: [1, 2], votersOutgoing: [], learners: [3], learnersNext: [], autoLeave: false };
const snapshot = { metadata: { index: 9, term: 4, confState }, data: bytesOf('data') };
const message = {
  type: 'Snap',
  from: 1,
  to: 3,
  term: 5,
  ...nothing,
  context: undefined,
  snapshot,
  responses: [],
} as const;
const info = { index: 9, term: 4, metadata: bytesOf('meta'), size: 2 ** 33 };
const notices = [
  { group: 1, formation: 0xcafe_f00d, term: 3, index: 200 },
  { group: 70_000, formation: 2, term: 2 ** 32, index: Number.MAX_SAFE_INTEGER },
];

/** What every release writes and reads, byte for byte: a log, a snapshot and a message outlive the release that made them. */
describe('what a host writes is as ever', () => {
  it('commands of an entry', () => {
    const writer = new CommandBatchWriter();
    for (const command of commands) writer.add(command);
    const bytes = writer.take(1234.5);
    expectHex(bytes, '0140934a0000000000000000050002686901ac0280808080088080808080200002e0d403037f048001');
    expect(decodeCommandBatch(bytes)).toEqual({ time: 1234.5, commands });
  });

  it('an entry that skips a command', () => {
    const bytes = encodeSkip({ index: 129, place: 3 });
    expectHex(bytes, '02810103');
    expect(decodeSkip(bytes)).toEqual({ index: 129, place: 3 });
  });

  it('the header of a snapshot', async () => {
    const session: Session = { id: 5, ttlMs: 60_000, lastSeen: 0.25, settled: 1, admitted: new Map(), isOpen: true };
    const remembered = [bytesOf('result'), 'skipped', 'too-large'] as const;
    for (const [at, each] of remembered.entries()) {
      session.admitted.set(200 + at, { session, sequence: 200 + at, remembered: each });
    }
    const header = {
      index: 500,
      term: 7,
      time: 1e15 + 0.5,
      machineVersion: 3,
      skips: new SkipSet([{ index: 400, place: 2 }]),
      sessions: new SessionTable(6, [session]),
    };
    const bytes = encodeMachineHeader(header);
    expectHex(
      bytes,
      '0100000030f40307430c6bf5263400040301900302060105e0d4033fd00000000000000103c8010006726573756c74c90101ca0102',
    );
    const read = await readMachineHeader([bytes][Symbol.iterator]() as unknown as AsyncIterator<Uint8Array>);
    expect(encodeMachineHeader(read.header)).toEqual(bytes);
    expect(read.header.sessions.sessions()).toEqual([session]);
  });

  it('outcomes', () => {
    const outcomes = new OutcomeCodec(codec);
    const opened = { ok: true, kind: 'opened', sessionId: 1000 } as const;
    for (const [outcome, hex] of [
      [{ ok: true, kind: 'result', result: bytesOf('r') }, '0072'],
      [opened, '01e807'],
      [DONE, '02'],
    ] as const) {
      expectHex(outcomes.encode(outcome), hex);
      expect(outcomes.decode(outcomes.encode(outcome))).toEqual(outcome);
    }
  });

  it('commands on their way to the leader, and the answers', () => {
    const forwarded = { hops: 1, onAll: true, timeoutMs: 70_000, batch: bytesOf('batch') };
    expectHex(encodeForwarded(forwarded), '010101000111706261746368');
    expect(decodeForwarded(encodeForwarded(forwarded))).toEqual(forwarded);
    const carrier = '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01';
    const traced = { ...forwarded, carriers: new Map([[3, carrier]]) };
    expectHex(
      encodeForwarded(traced),
      `020101000111700001000000030037${Buffer.from(carrier).toString('hex')}6261746368`,
    );
    expect(decodeForwarded(encodeForwarded(traced))).toEqual(traced);
    // Without any that is traced nobody needs to know of traces.
    expectHex(encodeForwarded({ ...traced, carriers: new Map() }), '010101000111706261746368');
    // What is no carrier is no trace.
    const untraced = { ...forwarded, carriers: new Map([[3, 'x']]) };
    expect(decodeForwarded(encodeForwarded(untraced)).carriers).toEqual(new Map());
    const settled = { index: 300, outcome: { ok: true, kind: 'result', result: bytesOf('r') } } as const;
    const error = new ClusterError('TIMEOUT', 'late', { outcome: 'unknown' });
    const answers = encodeAnswers(
      [
        { type: 'settled', settled },
        { type: 'rejected', error },
      ],
      new OutcomeCodec(codec),
    );
    expectHex(
      answers,
      '0101ac020200720000377b22636f6465223a2254494d454f5554222c226d657373616765223a226c617465222c226f7574636f6d65223a22756e6b6e6f776e227d',
    );
  });

  it('pulses', () => {
    expectHex(encodePulse({ notices }), '010201cafef00d03c801f0a204000000028080808010ffffffffffffff0f');
    expect(decodePulse(encodePulse({ notices }))).toEqual({ notices });
  });

  it('snapshots on their way', () => {
    const offer = encodeOffer(70_000, 0xcafe_f00d, message, info, crc32);
    expectHex(offer, '0101d1beb875f0a204cafef00d808080802013010103050904020102000103000004646174616d657461');
    const { metadata, size } = info;
    expect(decodeOffer(offer, crc32)).toEqual({ group: 70_000, formation: 0xcafe_f00d, message, metadata, size });
    const answer = { attempt: 2 ** 32 - 1, offset: 2 ** 32, checksum: 1 };
    expectHex(encodeAnswer(answer), '01ffffffff808080801000000001');
    expect(decodeAnswer(encodeAnswer(answer), size)).toEqual(answer);
    expectHex(encodeStreamHead(258), '0100000102');
    expect(decodeStreamHead(encodeStreamHead(258))).toBe(258);
    const chunk = { length: 65_536, checksum: 0xffff_fffe };
    expectHex(encodeChunkHead(chunk), '00010000fffffffe');
    expect(decodeChunkHead(encodeChunkHead(chunk))).toEqual(chunk);
  });
});

function expectHex(bytes: Uint8Array, hex: string): void {
  expect(Buffer.from(bytes).toString('hex')).toBe(hex.replaceAll(/\s/gu, ''));
}
