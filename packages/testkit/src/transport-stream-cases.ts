import { ClusterError, type OutgoingStream } from '@quorate/core';

import { expectEqual, expectRejection, expectThat } from './expectations.ts';
import type { Suite } from './suite.ts';
import { isConnected, KIND, numbered, numberOf, type TransportFixture } from './transport-fixture.ts';

type TransportSuite<N> = Suite<TransportFixture<N>>;

export function streamCases<N>(suite: TransportSuite<N>): void {
  flowCases(suite);
  pressureCases(suite);
  failureCases(suite);
  endingCases(suite);
}

function flowCases<N>(suite: TransportSuite<N>): void {
  suite.test('carry chunks in order, and end when the handler has', async (fixture, bed) => {
    const [a, b] = await fixture.pair();
    const received: Uint8Array[] = [];
    let finished = false;
    b.transport.onStream(KIND, async (from, chunks) => {
      expectEqual(from, 'a', 'who sends');
      for await (const chunk of chunks) received.push(chunk);
      await bed.pass(100);
      finished = true;
    });
    const stream = await a.transport.openStream('b', KIND);
    const chunks = Array.from({ length: 50 }, (_, at) => numbered(at, 4 + ((at * 1_009) % 9_000)));
    for (const chunk of chunks) await stream.write(chunk);
    await stream.end();
    expectThat(finished, 'end resolves when the handler has, not before');
    expectEqual(received, chunks, 'the chunks');
  });
  suite.test('can be empty', async (fixture) => {
    const [a, b] = await fixture.pair();
    let count = -1;
    b.transport.onStream(KIND, async (_, chunks) => {
      count = 0;
      for await (const _chunk of chunks) count += 1;
    });
    await (await a.transport.openStream('b', KIND)).end();
    expectEqual(count, 0, 'the chunks');
  });
}

function pressureCases<N>(suite: TransportSuite<N>): void {
  suite.test('hold the writer back while the reader is slow', async (fixture, bed) => {
    const [a, b] = await fixture.pair();
    const gate = Promise.withResolvers<void>();
    let received = 0;
    b.transport.onStream(KIND, async (_, chunks) => {
      await gate.promise;
      for await (const chunk of chunks) received += chunk.length;
    });
    const stream = await a.transport.openStream('b', KIND);
    const writer = writeUntilHeld(stream);
    await bed.quiet();
    const held = writer.written;
    expectThat(held < MAX_WINDOW, `a writer is held back; ${held} bytes were taken of one whose reader reads none`);
    await bed.quiet();
    expectEqual(writer.written, held, 'bytes taken while the reader reads none');
    gate.resolve();
    await bed.until('the writer to go on', () => writer.written >= held + 1_000_000);
    writer.stop();
    await writer.done;
    await stream.end();
    expectEqual(received, writer.written, 'the bytes that arrived');
  });
  suite.test('that are held back hold back nothing else', async (fixture, bed) => {
    const [a, b] = await fixture.pair();
    const gate = Promise.withResolvers<void>();
    b.transport.onStream(KIND, () => gate.promise);
    b.transport.onRequest(KIND, (_, payload) => payload);
    const stream = await a.transport.openStream('b', KIND);
    const writer = writeUntilHeld(stream);
    await bed.quiet();
    expectEqual(await a.transport.request('b', KIND, numbered(7)), numbered(7), 'an answer beside the stream');
    writer.stop();
    gate.resolve();
    await stream[Symbol.asyncDispose]();
    await writer.done;
  });
  suite.test('at one time keep apart', async (fixture, bed) => {
    const [a, b] = await fixture.pair();
    const received: number[][] = [];
    b.transport.onStream(KIND, async (_, chunks) => {
      const mine: number[] = [];
      received.push(mine);
      for await (const chunk of chunks) mine.push(numberOf(chunk));
    });
    const streams = await Promise.all(Array.from({ length: 4 }, () => a.transport.openStream('b', KIND)));
    for (let chunk = 0; chunk < 10; chunk += 1) {
      for (const [at, stream] of streams.entries()) await stream.write(numbered(at * 100 + chunk));
    }
    await Promise.all(streams.map((stream) => stream.end()));
    await bed.until('four streams', () => received.length === 4);
    const firsts = received.map(([first]) => first).sort((x = 0, y = 0) => x - y);
    expectEqual(firsts, [0, 100, 200, 300], 'the first chunk of each');
    for (const mine of received)
      expectEqual(
        mine,
        [...mine.keys()].map((at) => at + (mine[0] ?? 0)),
        'the chunks',
      );
  });
}

function failureCases<N>(suite: TransportSuite<N>): void {
  suite.test('whose handler fails reject with its code', async (fixture) => {
    const [a, b] = await fixture.pair();
    const failures = [new ClusterError('CORRUPT', 'it does not add up'), new Error('some other error')];
    b.transport.onStream(KIND, async (_, chunks) => {
      for await (const chunk of chunks) throw failures[numberOf(chunk)] ?? new Error('no such failure');
    });
    for (const [at, code] of (['CORRUPT', 'REMOTE'] as const).entries()) {
      const stream = await a.transport.openStream('b', KIND);
      const send = async () => {
        await stream.write(numbered(at));
        await stream.end();
      };
      await expectRejection(send, code, 'write or end');
      await expectRejection(() => stream.write(numbered(9)), code, 'a write after the stream has failed');
      await stream[Symbol.asyncDispose]();
    }
    expectThat(isConnected(a, 'b'), 'the connection lives');
  });
  suite.test('that the sender gives up end with an error at the reader', async (fixture, bed) => {
    const [a, b] = await fixture.pair();
    const received: number[] = [];
    let failure: unknown;
    b.transport.onStream(KIND, async (_, chunks) => {
      try {
        for await (const chunk of chunks) received.push(numberOf(chunk));
      } catch (error) {
        failure = error;
      }
    });
    const stream = await a.transport.openStream('b', KIND);
    await stream.write(numbered(1));
    await bed.until('the first chunk', () => received.length === 1);
    await stream[Symbol.asyncDispose]();
    await bed.until('the reader to be told', () => failure !== undefined);
    await stream[Symbol.asyncDispose]();
  });
  suite.test('of a kind without a handler are UNSUPPORTED', async (fixture) => {
    const [a] = await fixture.pair();
    await expectRejection(() => a.transport.openStream('b', KIND), 'UNSUPPORTED', 'openStream');
  });
  suite.test('to nobody are DISCONNECTED', async (fixture) => {
    const [a] = await fixture.pair();
    await expectRejection(() => a.transport.openStream('nobody', KIND), 'DISCONNECTED', 'openStream');
  });
}

function endingCases<N>(suite: TransportSuite<N>): void {
  suite.test('end with an error at both ends when the connection does', async (fixture, bed) => {
    const [a, b] = await fixture.pair();
    let failure: unknown;
    b.transport.onStream(KIND, async (_, chunks) => {
      try {
        for await (const _chunk of chunks) continue;
      } catch (error) {
        failure = error;
      }
    });
    const stream = await a.transport.openStream('b', KIND);
    await stream.write(numbered(1));
    const ended = expectRejection(() => writeForEver(stream), ['DISCONNECTED', 'CLOSED'], 'write');
    await b.transport[Symbol.asyncDispose]();
    await bed.soon('the writer', ended, fixture.noticedWithinMs);
    await bed.until('the reader to be told', () => failure !== undefined);
  });
  suite.test('end when their own transport is disposed', async (fixture, bed) => {
    const [a, b] = await fixture.pair();
    b.transport.onStream(KIND, () => new Promise(() => undefined));
    const stream = await a.transport.openStream('b', KIND);
    const ended = expectRejection(() => writeForEver(stream), ['CLOSED', 'DISCONNECTED'], 'write');
    await bed.quiet();
    await a.transport[Symbol.asyncDispose]();
    await bed.soon('the writer', ended, 1_000);
  });
}

const CHUNK_BYTES = 65_536;
/** No receiver's window should be larger. */
const MAX_WINDOW = 64 * 1024 * 1024;

interface Writer {
  readonly written: number;
  readonly done: Promise<void>;
  stop(): void;
}

/** Writes one chunk after the other; counts what was taken. */
function writeUntilHeld(stream: OutgoingStream): Writer {
  const progress = { written: 0, stopped: false };
  const run = async () => {
    while (!progress.stopped && progress.written < MAX_WINDOW * 2) {
      await stream.write(new Uint8Array(CHUNK_BYTES));
      progress.written += CHUNK_BYTES;
    }
  };
  const done = run().catch(() => undefined);
  return {
    get written() {
      return progress.written;
    },
    done,
    stop: () => {
      progress.stopped = true;
    },
  };
}

/** Until that fails, as it must long before so much was taken. */
async function writeForEver(stream: OutgoingStream): Promise<void> {
  for (let written = 0; written < MAX_WINDOW * 2; written += CHUNK_BYTES) {
    await stream.write(new Uint8Array(CHUNK_BYTES));
  }
}
