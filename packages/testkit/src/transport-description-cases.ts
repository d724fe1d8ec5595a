import { DESCRIPTION_INTERVAL_MS, MAX_NODE_BYTES } from '@quorate/core';

import { expectEqual, expectRejection, expectThat } from './expectations.ts';
import type { Suite } from './suite.ts';
import { eventsOf, type TestNode, type TransportFixture, type TransportHarness } from './transport-fixture.ts';

type TransportSuite<N> = Suite<TransportFixture<N>>;

/** A node that says something else of itself while it runs. */
export function descriptionCases<N>(suite: TransportSuite<N>, { describes = true }: TransportHarness<N>): void {
  if (!describes) {
    suite.test('is not to be had', async (fixture) => {
      const { transport } = await fixture.start('a');
      expectThat(transport.describe === undefined, 'there is no describe');
    });
    return;
  }
  tellingCases(suite);
  introducingCases(suite);
  refusingCases(suite);
}

function tellingCases<N>(suite: TransportSuite<N>): void {
  suite.test('is told to a peer that is connected, once', async (fixture, bed) => {
    const [a, b] = await fixture.pair();
    describe(a, { role: 'cache' }, 3);
    expectEqual([a.transport.self.metadata, a.transport.self.weight], [{ role: 'cache' }, 3], 'self, at once');
    const { peer } = await fixture.told(b, 'described');
    expectEqual(peer, { node: a.transport.self, incarnation: a.context.incarnation, state: 'connected' }, 'the peer');
    expectEqual(b.transport.peer('a')?.node, a.transport.self, 'a as b sees it');
    await bed.quiet();
    expectEqual(eventsOf(b, 'described').length, 1, 'events "described"');
    expectEqual([eventsOf(b, 'connected').length, eventsOf(b, 'disconnected').length], [1, 0], 'connections');
  });
  suite.test('leaves what it does not name as it is', async (fixture) => {
    const [a, b] = await fixture.pair();
    describe(a, { role: 'cache' }, 3);
    describe(a, {});
    await seesItself(fixture, b, a);
    expectEqual([a.transport.self.metadata, a.transport.self.weight], [{}, 3], 'what it says');
  });
  suite.test('of many in a row the last is told, and few of the others', async (fixture, bed) => {
    const [a, b] = await fixture.pair();
    for (let turn = 1; turn <= 100; turn += 1) describe(a, { turn: String(turn) });
    await seesItself(fixture, b, a);
    await bed.pass(2 * DESCRIPTION_INTERVAL_MS);
    expectEqual(b.transport.peer('a')?.node.metadata, { turn: '100' }, 'what b sees');
    expectThat(eventsOf(b, 'described').length <= 2, 'at most the first and the last are told');
  });
  suite.test('that says the same again is not told', async (fixture, bed) => {
    const [a, b] = await fixture.pair();
    describe(a, { x: '1', y: '2' });
    await fixture.told(b, 'described');
    describe(a, { y: '2', x: '1' });
    await bed.pass(2 * DESCRIPTION_INTERVAL_MS);
    expectEqual(eventsOf(b, 'described').length, 1, 'events "described"');
  });
}

function introducingCases<N>(suite: TransportSuite<N>): void {
  suite.test('is what later peers are introduced to, whoever dials', async (fixture, bed) => {
    const a = await fixture.start('a');
    describe(a, { role: 'cache' });
    const [b, c] = [await fixture.start('b'), await fixture.start('c')];
    await fixture.connect(b, a);
    await fixture.connect(a, c);
    for (const other of [b, c])
      expectEqual(other.transport.peer('a')?.node, a.transport.self, `a as ${other.id} sees it`);
    await bed.quiet();
    for (const other of [b, c]) expectEqual(eventsOf(other, 'described').length, 0, 'events "described"');
  });
  for (const dialler of ['a', 'b'] as const) {
    suite.test(`that changes while ${dialler} dials is heard of all the same`, async (fixture, bed) => {
      const a = await fixture.start('a');
      // Each time a little later: once when this node has introduced itself, and they are not connected yet.
      const times = bed.world === undefined ? 2 : 20;
      for (let time = 0; time < times; time += 1) {
        await bed.pass(DESCRIPTION_INTERVAL_MS);
        const b = await fixture.start(`b${time}`);
        const [from, to] = dialler === 'a' ? [a, b] : [b, a];
        from.transport.addContact(to.transport.self);
        await bed.pass(time / 5);
        describe(a, { time: String(time) });
        await fixture.connected(a, b);
        await seesItself(fixture, b, a);
      }
    });
  }
  suite.test('holds before the start too', async (fixture) => {
    const a = fixture.make('a');
    describe(a, { role: 'cache' });
    await a.transport.start();
    expectEqual(a.transport.self.metadata, { role: 'cache' }, 'what it says');
    const b = await fixture.start('b');
    await fixture.connect(b, a);
    expectEqual(b.transport.peer('a')?.node, a.transport.self, 'a as b sees it');
  });
}

function refusingCases<N>(suite: TransportSuite<N>): void {
  suite.test('that is too large is refused with INVALID_OPTIONS, and nothing changes', async (fixture) => {
    const [a, b] = await fixture.pair();
    const before = a.transport.self;
    const call = async () => describe(a, { text: 'x'.repeat(MAX_NODE_BYTES) });
    await expectRejection(call, 'INVALID_OPTIONS', 'describe');
    expectEqual(a.transport.self, before, 'self');
    describe(a, { text: 'x'.repeat(MAX_NODE_BYTES - 500) });
    await seesItself(fixture, b, a);
  });
  suite.test('is a copy of what was given', async (fixture) => {
    const a = await fixture.start('a');
    const metadata = { role: 'cache' };
    describe(a, metadata);
    metadata.role = 'other';
    expectEqual(a.transport.self.metadata, { role: 'cache' }, 'what it says');
  });
  suite.test('after dispose throws CLOSED, and is told nobody', async (fixture) => {
    const a = await fixture.start('a');
    for (const turn of ['1', '2', '3']) describe(a, { turn });
    await a.transport[Symbol.asyncDispose]();
    expectEqual(a.machine.clock.pendingTimers, 0, 'timers that are left');
    await expectRejection(async () => describe(a, {}), 'CLOSED', 'describe');
  });
}

function describe({ transport }: TestNode, metadata: Readonly<Record<string, string>>, weight?: number): void {
  expectThat(transport.describe !== undefined, 'the transport has describe');
  transport.describe(weight === undefined ? { metadata } : { metadata, weight });
}

async function seesItself<N>(fixture: TransportFixture<N>, by: TestNode, node: TestNode): Promise<void> {
  const isSeen = () => {
    return JSON.stringify(by.transport.peer(node.id)?.node) === JSON.stringify(node.transport.self);
  };
  await fixture.bed.until(`${by.id} to see ${node.id} as it is now`, isSeen, fixture.noticedWithinMs);
}
