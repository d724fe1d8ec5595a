import { expectEqual, expectRejection, expectThat } from './expectations.ts';
import { lifecycleRules, optionRules } from './lifecycle.ts';
import type { Runner } from './runner.ts';
import { Suite } from './suite.ts';
import { connectionCases } from './transport-connection-cases.ts';
import { descriptionCases } from './transport-description-cases.ts';
import { handshakeCases } from './transport-handshake-cases.ts';
import { messageCases } from './transport-message-cases.ts';
import { requestCases } from './transport-request-cases.ts';
import { streamCases } from './transport-stream-cases.ts';
import { KIND, numbered, TransportFixture, type TransportHarness } from './transport-fixture.ts';

/** What `Transport` promises, as tests of an adapter. */
export function transportContract<N>(runner: Runner, harness: TransportHarness<N>): void {
  runner.describe(`${harness.name} keeps the contract of a transport`, () => {
    const suite = new Suite<TransportFixture<N>>(runner, harness, (bed) => new TransportFixture(harness, bed));
    suite.group('handshake', () => handshakeCases(suite, harness.isSecured === true));
    suite.group('connections', () => connectionCases(suite));
    suite.group('description', () => descriptionCases(suite, harness));
    suite.group('messages', () => messageCases(suite, harness.messageFaults));
    suite.group('requests', () => requestCases(suite));
    suite.group('streams', () => streamCases(suite));
    startCases(suite);
    pairLifecycle(runner, harness);
    optionRules(suite, harness.refuses);
  });
}

function pairLifecycle<N>(runner: Runner, harness: TransportHarness<N>): void {
  const suite = new Suite<TransportFixture<N>>(runner, harness, async (bed) => {
    const fixture = new TransportFixture(harness, bed);
    const [, b] = await fixture.pair();
    b.transport.onRequest(KIND, () => new Promise(() => undefined));
    b.transport.onStream(KIND, () => Promise.resolve());
    return fixture;
  });
  lifecycleRules(suite, {
    part: ({ a }) => a.transport,
    clock: ({ a }) => a.machine.clock,
    methods: [
      {
        name: 'request',
        call: ({ a }, options) => a.transport.request('b', KIND, numbered(1), options),
        stall: () => undefined,
      },
      { name: 'openStream', call: ({ a }, options) => a.transport.openStream('b', KIND, options) },
    ],
    watches: [{ name: 'watch', open: ({ a }, options) => a.transport.watch(options) }],
  });
}

function startCases<N>(suite: Suite<TransportFixture<N>>): void {
  suite.group('start', () => {
    suite.test('completes the advertised address', async (fixture) => {
      const { transport, context } = await fixture.start('a');
      expectEqual(transport.self.id, 'a', 'the id');
      expectEqual(transport.self.host, context.self.host, 'the host');
      expectThat(transport.self.port > 0, 'the advertised port is the bound one');
    });
    suite.test('rejects with IO when the address is taken', async (fixture) => {
      const a = await fixture.start('a');
      const { host, port } = a.transport.self;
      const second = fixture.make('a', { id: 'second', bind: { host, port } });
      await expectRejection(() => second.transport.start(), 'IO', 'start');
    });
    suite.test('after dispose rejects with CLOSED', async (fixture) => {
      const { transport } = fixture.make('a');
      await transport[Symbol.asyncDispose]();
      await expectRejection(() => transport.start(), 'CLOSED', 'start');
    });
    suite.test('with a signal that has aborted rejects with ABORTED', async (fixture) => {
      const { transport } = fixture.make('a');
      await expectRejection(() => transport.start({ signal: AbortSignal.abort() }), 'ABORTED', 'start');
    });
    suite.test('disposing one that was never started is fine', async (fixture) => {
      const { transport } = fixture.make('a');
      transport.addContact({ host: '127.0.0.1', port: 7999 });
      await transport[Symbol.asyncDispose]();
    });
    suite.test('what a disposed one bound is free again', async (fixture) => {
      const first = await fixture.start('a');
      const { host, port } = first.transport.self;
      await first.transport[Symbol.asyncDispose]();
      await fixture.start('a', { id: 'second', bind: { host, port } });
    });
  });
}
