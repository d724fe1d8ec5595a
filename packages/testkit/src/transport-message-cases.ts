import { expectEqual, expectRejection, expectThat, expectThrow } from './expectations.ts';
import type { SkipReason, Suite } from './suite.ts';
import { isConnected, KIND, numbered, numberOf, type TestNode, type TransportFixture } from './transport-fixture.ts';

type TransportSuite<N> = Suite<TransportFixture<N>>;

export function messageCases<N>(suite: TransportSuite<N>, faults: 'masked' | 'visible' = 'masked'): void {
  deliveryCases(suite);
  refusalCase(suite);
  maskingCase(suite, faults === 'visible' ? 'messageFaults is visible' : undefined);
  handlerCases(suite);
  overflowCases(suite);
}

function deliveryCases<N>(suite: TransportSuite<N>): void {
  suite.test('arrive in the order they were sent, each once', async (fixture, bed) => {
    const [a, b] = await fixture.pair();
    const received = numbersAt(b);
    const numbers = Array.from({ length: 500 }, (_, at) => at);
    for (const number of numbers) {
      expectThat(a.transport.send('b', KIND, numbered(number)), `message ${number} is accepted`);
      if (number % 50 === 49) await bed.pass(1);
    }
    await bed.until('500 messages', () => received.length >= numbers.length);
    await bed.pass(100);
    expectEqual(received, numbers, 'the messages');
  });
  suite.test('flow both ways, in every size', async (fixture, bed) => {
    const [a, b] = await fixture.pair();
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      for (const size of [0, 1, 255, 256, 65_535, 65_536, 200_000]) {
        const received: Uint8Array[] = [];
        using _handler = to.transport.onMessage(KIND, (_, payload) => received.push(payload));
        const payload = new Uint8Array(size).map((_, at) => at % 251);
        expectThat(from.transport.send(to.id, KIND, payload), `${size} bytes are accepted`);
        await bed.until(`a message of ${size} bytes`, () => received.length > 0);
        expectEqual(received[0], payload, `a message of ${size} bytes`);
      }
    }
  });
  suite.test('belong to the sender until they are sent, and to the receiver then', async (fixture, bed) => {
    const [a, b] = await fixture.pair();
    const received: Uint8Array[] = [];
    b.transport.onMessage(KIND, (_, payload) => {
      received.push(payload.slice());
      payload.fill(99);
    });
    const payload = numbered(1);
    a.transport.send('b', KIND, payload);
    payload.fill(77);
    await bed.until('a message', () => received.length === 1);
    expectEqual(received[0], numbered(1), 'what was sent, whatever its sender did to its bytes then');
    expectEqual(payload, numbered(1).fill(77), 'the bytes of the sender, whatever the receiver did to its own');
  });
  suite.test('in parts arrive as one, behind what was sent before', async (fixture, bed) => {
    const [a, b] = await fixture.pair();
    for (const sizes of [[], [0], [3, 0, 5], [70_000, 1, 5_000, 4_096]]) {
      const received: Uint8Array[] = [];
      using _handler = b.transport.onMessage(KIND, (_, payload) => received.push(payload));
      const parts = sizes.map((size, number) => new Uint8Array(size).map((__, at) => (at + number) % 251));
      a.transport.send('b', KIND, numbered(1));
      expectThat(a.transport.sendNow('b', KIND, parts), `parts of ${sizes.join(', ')} bytes are accepted`);
      a.transport.send('b', KIND, numbered(2));
      await bed.until(`a message in parts of ${sizes.join(', ')} bytes`, () => received.length === 3);
      const whole = Uint8Array.from(parts.flatMap((part) => [...part]));
      expectEqual(received, [numbered(1), whole, numbered(2)], 'what arrives');
    }
    expectEqual(a.transport.sendNow('nobody', KIND, [numbered(1)]), false, 'parts to a node that is not known');
  });
  suite.test('to nobody, or to one who is not connected, are refused', async (fixture) => {
    const [a, b] = await fixture.pair();
    expectEqual(a.transport.send('nobody', KIND, numbered(1)), false, 'to a node that is not known');
    await b.transport[Symbol.asyncDispose]();
    await fixture.told(a, 'disconnected');
    expectEqual(a.transport.send('b', KIND, numbered(1)), false, 'to a node that is gone');
  });
}

function refusalCase<N>(suite: TransportSuite<N>): void {
  suite.test('of no kind, or that are no bytes, are refused, and so are requests and chunks', async (fixture, bed) => {
    const [a, b] = await fixture.pair();
    b.transport.onStream(KIND, async (_, chunks) => {
      for await (const chunk of chunks) expectEqual(chunk, numbered(1), 'the only chunk');
    });
    const bytes = numbered(1);
    for (const kind of [-1, 1.5, 65_536, 'x']) {
      expectThrow(() => a.transport.send('b', kind as never, bytes), 'INVALID_OPTIONS', 'send');
      const request = () => a.transport.request('b', kind as never, bytes);
      await expectRejection(request, 'INVALID_OPTIONS', 'request');
      await expectRejection(() => a.transport.openStream('b', kind as never), 'INVALID_OPTIONS', 'openStream');
    }
    const untimely = () => a.transport.request('b', KIND, bytes, { timeoutMs: Number.NaN });
    await expectRejection(untimely, 'INVALID_OPTIONS', 'request');
    const stream = await bed.soon('a stream', a.transport.openStream('b', KIND));
    for (const value of ['text', undefined, [1, 2], new ArrayBuffer(2)]) {
      expectThrow(() => a.transport.send('b', KIND, value as never), 'INVALID_OPTIONS', 'send');
      const request = () => a.transport.request('b', KIND, value as never);
      await expectRejection(request, 'INVALID_OPTIONS', 'request');
      await expectRejection(() => stream.write(value as never), 'INVALID_OPTIONS', 'write');
    }
    await bed.soon('the chunk', stream.write(bytes));
    await bed.soon('the end', stream.end());
    expectThat(isConnected(a, 'b') && isConnected(b, 'a'), 'the connection lives');
  });
}

function maskingCase<N>(suite: TransportSuite<N>, skipped: SkipReason): void {
  suite.test(
    'that are lost, doubled or overtaken on the way arrive at most once, and in order',
    async (fixture, bed) => {
      const [a, b] = await fixture.pair();
      const received = numbersAt(b);
      const hosts = bed.world?.hosts ?? [];
      const faults = { latencyMs: 1, jitterMs: 20, loss: 0.1, duplicate: 0.2, reorder: 0.2 };
      bed.world?.setLink(hosts, hosts, faults);
      for (let number = 0; number < 300; number += 1) {
        a.transport.send('b', KIND, numbered(number));
        await bed.pass(2);
      }
      await bed.quiet();
      expectThat(received.length > 100, `many of 300 messages arrive, not ${received.length}`);
      const disordered = received.find((number, at) => at > 0 && number <= (received[at - 1] ?? -1));
      expectEqual(disordered, undefined, 'a message that came twice or too late');
    },
    skipped ?? suite.withoutFaults,
  );
}

function handlerCases<N>(suite: TransportSuite<N>): void {
  suite.test('of a kind without a handler are dropped', async (fixture, bed) => {
    const [a, b] = await fixture.pair();
    const received = numbersAt(b);
    expectThat(a.transport.send('b', 65_535, numbered(0)), 'a message of an unknown kind is accepted');
    a.transport.send('b', KIND, numbered(1));
    await bed.until('the message after it', () => received.length > 0);
    expectEqual(received, [1], 'the messages');
    expectThat(isConnected(a, 'b') && isConnected(b, 'a'), 'the connection lives');
  });
  suite.test('reach the handler of their kind alone', async (fixture, bed) => {
    const [a, b] = await fixture.pair();
    const [one, two] = [numbersAt(b, KIND), numbersAt(b, KIND + 1)];
    a.transport.send('b', KIND, numbered(1));
    a.transport.send('b', KIND + 1, numbered(2));
    await bed.until('both messages', () => one.length + two.length === 2);
    expectEqual([one, two], [[1], [2]], 'the messages by kind');
  });
  suite.test('go on when a handler throws', async (fixture, bed) => {
    const [a, b] = await fixture.pair();
    const received: number[] = [];
    b.transport.onMessage(KIND, (_, payload) => {
      received.push(numberOf(payload));
      throw new Error('the handler throws on purpose');
    });
    a.transport.send('b', KIND, numbered(1));
    a.transport.send('b', KIND, numbered(2));
    await bed.until('the message after the throw', () => received.length === 2);
    await bed.quiet();
    expectThat(isConnected(a, 'b') && isConnected(b, 'a'), 'the connection lives');
  });
  suite.test('go on when a handler that is async rejects', async (fixture, bed) => {
    const [a, b] = await fixture.pair();
    const received: number[] = [];
    b.transport.onMessage(KIND, async (_, payload) => {
      received.push(numberOf(payload));
      await Promise.reject(new Error('the handler rejects on purpose'));
    });
    // One that nobody handles ends the process, or fails the test in its runner.
    a.transport.send('b', KIND, numbered(1));
    a.transport.send('b', KIND, numbered(2));
    await bed.until('the message after the rejection', () => received.length === 2);
    await bed.quiet();
    expectThat(isConnected(a, 'b') && isConnected(b, 'a'), 'the connection lives');
  });
  suite.test('have one handler a kind, until it is removed', async (fixture, bed) => {
    const [a, b] = await fixture.pair();
    const first = b.transport.onMessage(KIND, () => undefined);
    expectThrow(() => b.transport.onMessage(KIND, () => undefined), 'INVALID_OPTIONS', 'a second handler');
    first[Symbol.dispose]();
    a.transport.send('b', KIND, numbered(1));
    await bed.quiet();
    const received = numbersAt(b);
    first[Symbol.dispose]();
    a.transport.send('b', KIND, numbered(2));
    await bed.until('a message for the new handler', () => received.length > 0);
    expectEqual(received, [2], 'the messages');
  });
}

function overflowCases<N>(suite: TransportSuite<N>): void {
  suite.test('beyond the bound of the queue are refused, and accepted once it has drained', async (fixture, bed) => {
    const [a, b] = await fixture.pair();
    const received = numbersAt(b);
    const accepted = fill(a);
    expectThat(accepted > 0, 'some messages are accepted');
    expectThat(accepted < MAX_FILL, `a queue has a bound; ${accepted} messages of ${FILL_BYTES} bytes were accepted`);
    await bed.until('what was accepted', () => received.length >= accepted);
    expectEqual(received, [...received.keys()], 'the messages');
    await bed.until('the queue to drain', () => a.transport.send('b', KIND, numbered(accepted)));
    expectThat(isConnected(a, 'b'), 'an overflow is no reason to end a connection');
  });
  suite.test(
    'to a peer that stands still are refused at the bound',
    async (fixture, bed) => {
      const [a, b] = await fixture.pair();
      b.machine.host?.pause();
      let accepted = 0;
      for (let round = 0; round < 20; round += 1) {
        accepted += fill(a, MAX_FILL - accepted);
        await bed.pass(10);
      }
      expectThat(accepted < MAX_FILL, `a queue has a bound; ${accepted} messages of ${FILL_BYTES} bytes were accepted`);
    },
    suite.withoutFaults,
  );
}

const FILL_BYTES = 65_536;
/** 256 MiB: far beyond what any queue should hold. */
const MAX_FILL = 4_096;

/** Sends without a pause until that is refused; returns how many were accepted. */
function fill({ transport }: TestNode, limit = MAX_FILL): number {
  let accepted = 0;
  while (accepted < limit && transport.send('b', KIND, numbered(accepted, FILL_BYTES))) accepted += 1;
  return accepted;
}

/** The numbers of the messages that arrive, as they do. */
function numbersAt({ transport }: TestNode, kind: number = KIND): readonly number[] {
  const numbers: number[] = [];
  transport.onMessage(kind, (_, payload) => numbers.push(numberOf(payload)));
  return numbers;
}
