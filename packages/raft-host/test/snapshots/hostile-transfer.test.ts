import { crc32, type ClusterErrorCode, messageKind, type OutgoingStream, type SnapshotInfo } from '@quorate/core';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  decodeAnswer,
  encodeAnswer,
  encodeChunkHead,
  encodeOffer,
  encodeStreamHead,
  MAX_CHUNK_BYTES,
} from '../../src/snapshots/transfer-messages.ts';
import {
  contentOf,
  expectContent,
  failure,
  FORMATION,
  GROUP,
  makeSnapshot,
  send,
  snapMessage,
  type TransferNode,
  TransferWorld,
} from './transfer-world.ts';

const SIZE = 1000;
const MOST = 400_000;
const content = contentOf(SIZE);
const long = contentOf(SIZE + 1);
const about: SnapshotInfo = { index: 100, term: 3, metadata: Uint8Array.from([1, 2]), size: SIZE };

function offerOf(info: Partial<SnapshotInfo> = {}, group: number = GROUP, formation: number = FORMATION): Uint8Array {
  const whole = { ...about, ...info };
  return encodeOffer(group, formation, snapMessage(whole), whole, crc32);
}

/** A chunk of the content, with the checksum that belongs to it, or to what it pretends to be. */
function chunk(from: number, to: number, bytes: Uint8Array = content.subarray(from, to)): Uint8Array[] {
  const head = encodeChunkHead({ length: to - from, checksum: crc32(content.subarray(0, to)) });
  return [head, bytes];
}

describe('a receiver', () => {
  let [cluster, a, b, c] = [] as unknown as [TransferWorld, TransferNode, TransferNode, TransferNode];

  beforeEach(async () => {
    cluster = new TransferWorld('hostile');
    const options = { patienceMs: 5000, maxReceives: 2, maxSnapshotBytes: MOST };
    [a, b, c] = (await cluster.start(['a', 'b', 'c'], options)) as [TransferNode, TransferNode, TransferNode];
  });

  const ask = (payload: Uint8Array) =>
    cluster.world.settled(a.transport.request('b', messageKind.SYNC, payload), 10_000);
  const expectRefused = async (payload: Uint8Array, code: ClusterErrorCode) =>
    expect((await failure(ask(payload))).code).toBe(code);

  async function begin(parts: readonly Uint8Array[], from: TransferNode = a): Promise<OutgoingStream> {
    const out = await from.transport.openStream('b', messageKind.SYNC);
    for (const part of parts) await out.write(part);
    return out;
  }
  async function stream(parts: readonly Uint8Array[], from?: TransferNode): Promise<void> {
    const out = await begin(parts, from);
    await out.end();
  }

  const expectStreamRefused = async (parts: readonly Uint8Array[], code: ClusterErrorCode, from?: TransferNode) =>
    expect((await cluster.world.settled(failure(stream(parts, from)), 10_000)).code).toBe(code);

  /** Nothing that was sent so far is kept, and nothing stands in the way of an honest sender. */
  async function expectUnharmed(): Promise<void> {
    expect(b.received).toEqual([]);
    expect(b.store.group(GROUP).snapshot).toBeUndefined();
    const info = await makeSnapshot(cluster, c, 5000, { index: 200 });
    await cluster.world.settled(send(c, b), 20_000);
    await expectContent(cluster, b, info);
  }

  it('refuses offers that are damaged, cut off, or none', async () => {
    const offer = offerOf();
    for (let at = 0; at < offer.length; at += 1) {
      await expectRefused(offer.with(at, (offer[at] ?? 0) ^ 0x10), 'PROTOCOL');
      await expectRefused(offer.subarray(0, at), 'PROTOCOL');
    }
    await expectRefused(Uint8Array.from([...offer, 0]), 'PROTOCOL');
    await expectUnharmed();
  });

  it('refuses offers that it has no use for', async () => {
    await expectRefused(offerOf({}, GROUP, FORMATION + 1), 'NOT_FOUND');
    await expectRefused(offerOf({ size: MOST + 1 }), 'REFUSED');
    await expectRefused(offerOf({ size: Number.MAX_SAFE_INTEGER }), 'REFUSED');
    b.accepts = false;
    await expectRefused(offerOf(), 'REFUSED');
    b.accepts = true;
    const own = await makeSnapshot(cluster, b, 10, { index: 150 });
    await expectRefused(offerOf(), 'REFUSED');
    await expectRefused(offerOf({ index: 150, term: 4 }), 'REFUSED');
    expect(b.store.group(GROUP).snapshot).toEqual(own);
  });

  it('is not filled up by offers that nothing follows', async () => {
    for (let group = 10; group < 12; group += 1) await ask(offerOf({}, group));
    await expectRefused(offerOf({}, 12), 'OVERLOADED');
    await cluster.world.run(5001);
    await expectUnharmed();
  });

  const wrong: readonly (readonly [string, readonly Uint8Array[]])[] = [
    ['ends too early', chunk(0, 500)],
    ['ends within a chunk', [...chunk(0, 500), encodeChunkHead({ length: 500, checksum: 0 }), new Uint8Array(9)]],
    ['ends within the head of a chunk', [new Uint8Array(3)]],
    ['has no chunk', []],
    ['has more than was offered', [...chunk(0, 1000), Uint8Array.from([0])]],
    ['has a chunk beyond what was offered', [encodeChunkHead({ length: 1001, checksum: crc32(long) }), long]],
    ['has an empty chunk', [encodeChunkHead({ length: 0, checksum: 0 }), ...chunk(0, 1000)]],
    ['has a chunk of too many bytes', [encodeChunkHead({ length: MAX_CHUNK_BYTES + 1, checksum: 0 })]],
    ['has the largest chunk there is', [encodeChunkHead({ length: 2 ** 32 - 1, checksum: 0 })]],
    ['is damaged', chunk(0, 1000, content.with(999, 1))],
    ['is damaged and goes on', [...chunk(0, 500, content.slice(0, 500).with(0, 1)), ...chunk(500, 1000)]],
    ['leaves something out', [...chunk(0, 500), ...chunk(501, 1000)]],
    ['repeats something', [...chunk(0, 500), ...chunk(0, 500)]],
  ];
  it.each(wrong)('keeps nothing of a stream that %s', async (_what, parts) => {
    const { attempt } = decodeAnswer(await ask(offerOf()), SIZE);
    await expectStreamRefused([encodeStreamHead(attempt), ...parts], 'PROTOCOL');
    await expectUnharmed();
  });

  it('takes no chunk that is too large, though it is sound', async () => {
    const large = contentOf(MAX_CHUNK_BYTES + 1);
    const { attempt } = decodeAnswer(await ask(offerOf({ size: large.length })), large.length);
    const head = encodeChunkHead({ length: large.length, checksum: crc32(large) });
    await expectStreamRefused([encodeStreamHead(attempt), head, large], 'PROTOCOL');
    await expectUnharmed();
  });

  it('goes on behind what was sound before a damage', async () => {
    const { attempt } = decodeAnswer(await ask(offerOf()), SIZE);
    const parts = [...chunk(0, 500), ...chunk(500, 1000, content.slice(500).with(0, 0xff))];
    await expectStreamRefused([encodeStreamHead(attempt), ...parts], 'PROTOCOL');
    const answer = decodeAnswer(await ask(offerOf()), SIZE);
    expect(answer).toEqual({ attempt: answer.attempt, offset: 500, checksum: crc32(content.subarray(0, 500)) });
    await cluster.world.settled(stream([encodeStreamHead(answer.attempt), ...chunk(500, 1000)]), 10_000);
    await expectContent(cluster, b, about);
  });

  it('takes content in pieces of any size', async () => {
    const { attempt } = decodeAnswer(await ask(offerOf()), SIZE);
    const parts = [encodeStreamHead(attempt), ...chunk(0, 300), ...chunk(300, 301), ...chunk(301, 1000)];
    const bytes = Uint8Array.from(parts.flatMap((part) => [...part]));
    const pieces = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
    await cluster.world.settled(stream(pieces), 60_000);
    await expectContent(cluster, b, about);
  });

  it('refuses streams that it did not ask for', async () => {
    const first = decodeAnswer(await ask(offerOf()), SIZE);
    const second = decodeAnswer(await ask(offerOf()), SIZE);
    const whole = chunk(0, 1000);
    await expectStreamRefused([encodeStreamHead(first.attempt), ...whole], 'REFUSED');
    await expectStreamRefused([encodeStreamHead(second.attempt + 1), ...whole], 'REFUSED');
    await expectStreamRefused([encodeStreamHead(second.attempt), ...whole], 'REFUSED', c);
    await expectStreamRefused([encodeStreamHead(second.attempt).with(0, 9), ...whole], 'PROTOCOL');
    await expectStreamRefused([], 'PROTOCOL');
    await expectStreamRefused([new Uint8Array(4)], 'PROTOCOL');
    await expectUnharmed();
  });

  it('lets only the stream that it asked for last bring content', async () => {
    const first = decodeAnswer(await ask(offerOf()), SIZE);
    const slow = await cluster.world.settled(begin([encodeStreamHead(first.attempt), ...chunk(0, 500)]), 100);
    await cluster.world.run(10);
    const twice = stream([encodeStreamHead(first.attempt), ...chunk(0, 1000)]);
    expect((await cluster.world.settled(failure(twice), 10_000)).code).toBe('REFUSED');
    const second = decodeAnswer(await ask(offerOf()), SIZE);
    expect(second.offset).toBe(500);
    for (const part of chunk(500, 1000)) await cluster.world.settled(slow.write(part), 100);
    expect((await cluster.world.settled(failure(slow.end()), 10_000)).code).toBe('REFUSED');
    await cluster.world.settled(stream([encodeStreamHead(second.attempt), ...chunk(500, 1000)]), 10_000);
    await expectContent(cluster, b, about);
  });

  it('goes on with nothing but the same snapshot of the same sender', async () => {
    const first = decodeAnswer(await ask(offerOf()), SIZE);
    await cluster.world.settled(begin([encodeStreamHead(first.attempt), ...chunk(0, 500)]), 100);
    await cluster.world.run(10);
    const asked = c.transport.request('b', messageKind.SYNC, offerOf());
    expect((await cluster.world.settled(failure(asked), 1000)).code).toBe('OVERLOADED');
    const newer = { ...about, index: 101, metadata: new Uint8Array(1) };
    const answer = decodeAnswer(await ask(offerOf(newer)), SIZE);
    expect(answer.offset).toBe(0);
    await cluster.world.settled(stream([encodeStreamHead(answer.attempt), ...chunk(0, 1000)]), 10_000);
    await expectContent(cluster, b, newer);
  });

  it('tells its group what was said last', async () => {
    const first = decodeAnswer(await ask(offerOf()), SIZE);
    await cluster.world.settled(begin([encodeStreamHead(first.attempt), ...chunk(0, 500)]), 100);
    await cluster.world.run(10);
    const message = { ...snapMessage(about), term: 9 };
    const answer = decodeAnswer(await ask(encodeOffer(GROUP, FORMATION, message, about, crc32)), SIZE);
    expect(answer.offset).toBe(500);
    await cluster.world.settled(stream([encodeStreamHead(answer.attempt), ...chunk(500, 1000)]), 10_000);
    expect(b.received).toEqual([{ from: 'a', group: GROUP, index: 100, term: 9 }]);
  });

  it('gives up a stream that stands still', async () => {
    const { attempt } = decodeAnswer(await ask(offerOf()), SIZE);
    const slow = await cluster.world.settled(begin([encodeStreamHead(attempt), ...chunk(0, 500)]), 100);
    await cluster.world.run(4000);
    for (const part of chunk(500, 501)) await cluster.world.settled(slow.write(part), 100);
    await cluster.world.run(4000);
    expect(decodeAnswer(await ask(offerOf()), SIZE).offset).toBe(501);
    await cluster.world.run(5001);
    expect(decodeAnswer(await ask(offerOf()), SIZE).offset).toBe(0);
  });
});

describe('a sender', () => {
  const answers: readonly (readonly [string, Uint8Array])[] = [
    ['with an offset beyond the end', encodeAnswer({ attempt: 1, offset: SIZE + 1, checksum: 0 })],
    ['of another version', encodeAnswer({ attempt: 1, offset: 0, checksum: 0 }).with(0, 2)],
    ['that is cut off', encodeAnswer({ attempt: 1, offset: 0, checksum: 0 }).subarray(0, 5)],
    ['with more behind it', Uint8Array.from([...encodeAnswer({ attempt: 1, offset: 0, checksum: 0 }), 1])],
    ['without anything', new Uint8Array()],
  ];

  /** A peer that answers offers with these bytes, and does with streams as it likes. */
  async function facing(
    answer: Uint8Array,
    read: (chunks: AsyncIterable<Uint8Array>) => Promise<void>,
  ): Promise<[TransferWorld, TransferNode, TransferNode]> {
    const cluster = new TransferWorld('hostile peer');
    const options = { patienceMs: 5000, snapshotBytesPerSecond: 10_000_000 };
    const [a, b] = (await cluster.start(['a', 'b'], options)) as [TransferNode, TransferNode];
    await cluster.world.settled(b.transfer[Symbol.asyncDispose](), 10);
    b.transport.onRequest(messageKind.SYNC, () => answer);
    b.transport.onStream(messageKind.SYNC, (_from, chunks) => read(chunks));
    return [cluster, a, b];
  }

  it.each(answers)('takes no answer %s', async (_what, answer) => {
    const [cluster, a, b] = await facing(answer, () => Promise.resolve());
    await makeSnapshot(cluster, a, SIZE);
    expect((await cluster.world.settled(failure(send(a, b)), 10_000)).code).toBe('PROTOCOL');
  });

  it('ends its stream when it is told to stop', async () => {
    const ends: unknown[] = [];
    const answer = encodeAnswer({ attempt: 1, offset: 0, checksum: 0 });
    const [cluster, a, b] = await facing(answer, async (chunks) => {
      try {
        for await (const chunk of chunks) expect(chunk.length).toBeGreaterThan(0);
      } catch (error) {
        ends.push(error);
      }
    });
    await makeSnapshot(cluster, a, 5_000_000);
    const controller = new AbortController();
    const sending = failure(send(a, b, { signal: controller.signal }));
    await cluster.world.run(20);
    controller.abort();
    expect((await cluster.world.settled(sending, 10)).code).toBe('ABORTED');
    await cluster.world.run(100);
    expect(ends).toEqual([expect.objectContaining({ code: 'ABORTED' })]);
  });

  it('waits only so long for a peer that stops reading, or never finishes', async () => {
    const answer = encodeAnswer({ attempt: 1, offset: 0, checksum: 0 });
    for (const size of [SIZE, 5_000_000]) {
      const [cluster, a, b] = await facing(answer, () => new Promise(() => undefined));
      await makeSnapshot(cluster, a, size);
      expect((await cluster.world.settled(failure(send(a, b)), 20_000)).code).toBe('TIMEOUT');
      expect(a.transfer.isSending(GROUP)).toBe(false);
    }
  });

  it('waits only so long for a peer that has answered the offer, and then takes no stream', async () => {
    const cluster = new TransferWorld('takes no stream', { transport: 'tcp', storage: 'memory' });
    const [a, b] = (await cluster.start(['a', 'b'], { patienceMs: 1000 })) as [TransferNode, TransferNode];
    await cluster.world.settled(b.transfer[Symbol.asyncDispose](), 10);
    let isAsked = false;
    b.transport.onRequest(messageKind.SYNC, () => {
      isAsked = true;
      return encodeAnswer({ attempt: 1, offset: 0, checksum: 0 });
    });
    await makeSnapshot(cluster, a, SIZE);
    const sending = failure(send(a, b));
    await cluster.world.runUntil(() => isAsked, 100);
    // The answer leaves, and it hears nothing any more. The connection is given up only later.
    await cluster.world.run(0.001);
    b.host.pause();
    expect((await cluster.world.settled(sending, 1100)).code).toBe('TIMEOUT');
    expect(a.transfer.isSending(GROUP)).toBe(false);
    expect(a.transport.peer('b')?.state).toBe('connected');
  });

  it('offers no snapshot but the one that its message is about', async () => {
    const cluster = new TransferWorld('another message');
    const [a, b] = (await cluster.start(['a', 'b'])) as [TransferNode, TransferNode];
    const info = await makeSnapshot(cluster, a, SIZE);
    const log = a.store.group(GROUP);
    const outgoing = { to: b.id, group: GROUP, formation: FORMATION, log, info };
    for (const other of [
      { index: 99, term: 3 },
      { index: 100, term: 2 },
    ]) {
      const sending = a.transfer.send({ ...outgoing, message: snapMessage(other) });
      expect((await cluster.world.settled(failure(sending), 10)).code).toBe('INVALID_OPTIONS');
    }
    expect(a.transfer.isSending(GROUP)).toBe(false);
  });
});
