import { ClusterError, type Transport } from '@quorate/core';

import { expectEqual, expectRejection, expectThat } from './expectations.ts';
import type { Suite } from './suite.ts';
import { isConnected, KIND, numbered, numberOf, type TransportFixture } from './transport-fixture.ts';

type TransportSuite<N> = Suite<TransportFixture<N>>;

export function requestCases<N>(suite: TransportSuite<N>): void {
  answerCases(suite);
  failureCases(suite);
  endingCases(suite);
}

function answerCases<N>(suite: TransportSuite<N>): void {
  suite.test('are answered', async (fixture) => {
    const [a, b] = await fixture.pair();
    b.transport.onRequest(KIND, (from, payload) => {
      expectEqual(from, 'a', 'who asks');
      return numbered(numberOf(payload) + 1);
    });
    expectEqual(await a.transport.request('b', KIND, numbered(1)), numbered(2), 'the answer');
  });
  suite.test('at one time get each its own answer, whatever their order', async (fixture, bed) => {
    const [a, b] = await fixture.pair();
    b.transport.onRequest(KIND, async (_, payload) => {
      await bed.pass((97 * numberOf(payload)) % 64);
      return numbered(numberOf(payload) * 2);
    });
    const requests = Array.from({ length: 64 }, (_, at) => a.transport.request('b', KIND, numbered(at)));
    const answers = (await Promise.all(requests)).map(numberOf);
    expectEqual(
      answers,
      Array.from({ length: 64 }, (_, at) => at * 2),
      'the answers',
    );
  });
  suite.test('flow both ways at one time', async (fixture) => {
    const [a, b] = await fixture.pair();
    b.transport.onRequest(KIND, (_, payload) => (a.transport.send('nobody', KIND, payload) ? payload : numbered(1)));
    a.transport.onRequest(KIND, () => numbered(2));
    const both = await Promise.all([
      a.transport.request('b', KIND, numbered(0)),
      b.transport.request('a', KIND, numbered(0)),
    ]);
    expectEqual(both.map(numberOf), [1, 2], 'the answers');
  });
  suite.test('carry bytes of every size, and those belong to who got them', async (fixture) => {
    const [a, b] = await fixture.pair();
    b.transport.onRequest(KIND, (_, payload) => payload);
    for (const size of [0, 1, 65_536, 200_000]) {
      const payload = new Uint8Array(size).fill(5);
      const answer = a.transport.request('b', KIND, payload);
      payload.fill(6);
      expectEqual(await answer, new Uint8Array(size).fill(5), `an echo of ${size} bytes`);
    }
  });
}

const LEADER = { nodeId: 'c', token: 5n };
const NO_TEXT: Error = Object.create(null);

function failureCases<N>(suite: TransportSuite<N>): void {
  suite.test("keep the code of the handler's error, and what else it throws is REMOTE", async (fixture) => {
    const [a, b] = await fixture.pair();
    const failures = [
      () => Promise.reject(new ClusterError('NOT_LEADER', 'ask somebody else')),
      () => {
        throw new ClusterError('OVERLOADED', 'too much');
      },
      () => Promise.reject(new Error('some other error')),
      () => {
        throw new TypeError('thrown, not rejected');
      },
      // As elections name the leader: with more than travels, and of a kind that JSON has no form for.
      () => Promise.reject(new ClusterError('NOT_LEADER', 'ask c', { leader: LEADER })),
      () => Promise.reject(NO_TEXT),
    ];
    b.transport.onRequest(KIND, (_, payload) => (failures[numberOf(payload)] ?? (() => payload))());
    const codes = ['NOT_LEADER', 'OVERLOADED', 'REMOTE', 'REMOTE', 'NOT_LEADER', 'REMOTE'] as const;
    for (const [at, code] of codes.entries()) {
      await expectRejection(() => a.transport.request('b', KIND, numbered(at)), code, `failure ${at}`);
    }
    expectEqual(await a.transport.request('b', KIND, numbered(9)), numbered(9), 'the next answer');
  });
  suite.test('of a kind without a handler are UNSUPPORTED', async (fixture) => {
    const [a] = await fixture.pair();
    await expectRejection(() => a.transport.request('b', KIND, numbered(1)), 'UNSUPPORTED', 'request');
    expectThat(isConnected(a, 'b'), 'the connection lives');
  });
  suite.test('to nobody are DISCONNECTED, and certainly did not arrive', async (fixture) => {
    const [a] = await fixture.pair();
    const error = await expectRejection(
      () => a.transport.request('nobody', KIND, numbered(1)),
      'DISCONNECTED',
      'request',
    );
    expectEqual(error.outcome, 'not-applied', 'the outcome');
  });
  suite.test('whose connection ends are DISCONNECTED, and may have arrived', async (fixture, bed) => {
    const [a, b] = await fixture.pair();
    const seen = hang(b.transport);
    const request = a.transport.request('b', KIND, numbered(1), { timeoutMs: 60_000 });
    const outcome = expectRejection(() => request, 'DISCONNECTED', 'request');
    await bed.until('the request', () => seen.length === 1);
    await b.transport[Symbol.asyncDispose]();
    expectEqual((await bed.soon('the request', outcome, fixture.noticedWithinMs)).outcome, 'unknown', 'the outcome');
  });
}

function endingCases<N>(suite: TransportSuite<N>): void {
  suite.test('that are not answered in time are TIMEOUT, and the handler is told', async (fixture, bed) => {
    const [a, b] = await fixture.pair();
    const seen = hang(b.transport);
    const began = bed.clock.now();
    await expectRejection(() => a.transport.request('b', KIND, numbered(1), { timeoutMs: 200 }), 'TIMEOUT', 'request');
    const tookMs = bed.clock.now() - began;
    expectThat(tookMs >= 195 && tookMs < 2_000, `it took about 200 ms, not ${tookMs}`);
    await bed.until('the signal of the handler', () => seen[0]?.aborted === true);
  });
  suite.test('that the caller aborts are ABORTED, and the handler is told', async (fixture, bed) => {
    const [a, b] = await fixture.pair();
    const seen = hang(b.transport);
    const controller = new AbortController();
    const request = a.transport.request('b', KIND, numbered(1), { signal: controller.signal });
    const aborted = expectRejection(() => request, 'ABORTED', 'request');
    await bed.until('the request', () => seen.length === 1);
    controller.abort();
    const { outcome } = await bed.soon('the request', aborted, 1_000);
    expectEqual(outcome, 'unknown', 'the outcome');
    await bed.until('the signal of the handler', () => seen[0]?.aborted === true);
  });
  suite.test('with a signal that has aborted are not sent', async (fixture, bed) => {
    const [a, b] = await fixture.pair();
    const seen = hang(b.transport);
    const signal = AbortSignal.abort();
    const request = () => a.transport.request('b', KIND, numbered(1), { signal });
    const { outcome } = await expectRejection(request, 'ABORTED', 'request');
    expectEqual(outcome, 'not-applied', 'the outcome');
    await bed.quiet();
    expectEqual(seen.length, 0, 'requests that arrived');
  });
  suite.test('that were given up cost nothing when they are answered late', async (fixture, bed) => {
    const [a, b] = await fixture.pair();
    b.transport.onRequest(KIND, async (_, payload) => {
      if (numberOf(payload) === 1) await bed.pass(200);
      return payload;
    });
    await expectRejection(() => a.transport.request('b', KIND, numbered(1), { timeoutMs: 100 }), 'TIMEOUT', 'request');
    await bed.quiet();
    expectEqual(await a.transport.request('b', KIND, numbered(2)), numbered(2), 'the next answer');
    expectThat(isConnected(a, 'b'), 'the connection lives');
  });
}

/** Never answers; the signals of the requests that arrived. */
function hang(transport: Transport): readonly AbortSignal[] {
  const seen: AbortSignal[] = [];
  transport.onRequest(KIND, (_, _payload, { signal }) => {
    seen.push(signal);
    return new Promise(() => undefined);
  });
  return seen;
}
