import { expectEqual, expectThat } from './expectations.ts';
import type { Suite } from './suite.ts';
import { eventsOf, isConnected, KIND, numbered, type TestNode, type TransportFixture } from './transport-fixture.ts';

type TransportSuite<N> = Suite<TransportFixture<N>>;

export function connectionCases<N>(suite: TransportSuite<N>): void {
  contactCases(suite);
  endingCases(suite);
  faultCases(suite);
}

function contactCases<N>(suite: TransportSuite<N>): void {
  suite.test('two that dial each other keep one connection', async (fixture, bed) => {
    const a = await fixture.start('a');
    const b = await fixture.start('b');
    a.transport.addContact(b.transport.self);
    b.transport.addContact(a.transport.self);
    await fixture.connected(a, b);
    await bed.quiet();
    const before = [a.events.length, b.events.length];
    await bed.pass(fixture.noticedWithinMs / 5);
    expectEqual([a.events.length, b.events.length], before, 'events once they are connected');
    for (const node of [a, b]) expectEqual(connections(node), 1, `live connections of ${node.id}`);
    await expectTalk(fixture, a, b);
    await expectTalk(fixture, b, a);
  });
  suite.test('adding a contact again changes nothing', async (fixture, bed) => {
    const [a, b] = await fixture.pair();
    for (let times = 0; times < 3; times += 1) a.transport.addContact(b.transport.self);
    await bed.pass(fixture.noticedWithinMs / 5);
    expectEqual(eventsOf(a, 'connected').length, 1, 'events "connected"');
    expectEqual(a.transport.peers.length, 1, 'peers');
  });
  suite.test('a peer that is down is tried until it is there', async (fixture, bed) => {
    const gone = await fixture.start('b');
    const { host, port } = gone.transport.self;
    await gone.transport[Symbol.asyncDispose]();
    const a = await fixture.start('a');
    a.transport.addContact({ host, port });
    expectEqual((await fixture.told(a, 'unreachable')).address, { host, port }, 'the address that does not answer');
    await bed.pass(fixture.noticedWithinMs / 4);
    const b = await fixture.start('b', { bind: { host, port } });
    await fixture.connected(a, b);
  });
  suite.test('a removed contact is not dialled any more', async (fixture, bed) => {
    const gone = await fixture.start('b');
    const { host, port } = gone.transport.self;
    await gone.transport[Symbol.asyncDispose]();
    const a = await fixture.start('a');
    a.transport.addContact({ host, port });
    await fixture.told(a, 'unreachable');
    a.transport.removeContact({ host, port });
    await fixture.start('b', { bind: { host, port } });
    await bed.pass(fixture.noticedWithinMs / 2);
    expectEqual(eventsOf(a, 'connected'), [], 'connections');
  });
  suite.test('a live connection outlives its contact', async (fixture, bed) => {
    const [a, b] = await fixture.pair();
    a.transport.removeContact(b.transport.self);
    await bed.quiet();
    await expectTalk(fixture, a, b);
  });
  suite.test('peers are told in order of id', async (fixture) => {
    const a = await fixture.start('a');
    for (const name of ['d', 'b', 'c']) await fixture.connect(a, await fixture.start(name));
    const ids = a.transport.peers.map(({ node }) => node.id);
    expectEqual(ids, ['b', 'c', 'd'], 'the peers');
    expectEqual(a.transport.peer('nobody'), undefined, 'an unknown peer');
  });
}

function endingCases<N>(suite: TransportSuite<N>): void {
  suite.test('disposing says goodbye', async (fixture) => {
    const [a, b] = await fixture.pair();
    await b.transport[Symbol.asyncDispose]();
    const { peer, reason } = await fixture.told(a, 'disconnected');
    expectEqual([peer.node.id, reason], ['b', 'goodbye'], 'who went, and why');
    expectThat(!isConnected(a, 'b'), 'b is not connected any more');
    expectEqual(a.transport.peer('b')?.node.id, 'b', 'the peer, which is not forgotten');
  });
  suite.test(
    'a connection that is released is told as that to both, and stays closed without contacts',
    async (fixture, bed) => {
      const [a, b] = await fixture.pair();
      a.transport.removeContact(b.transport.self);
      b.transport.removeContact(a.transport.self);
      await expectTalk(fixture, a, b);
      a.transport.release('b');
      a.transport.release('nobody');
      const told = [await fixture.told(a, 'disconnected'), await fixture.told(b, 'disconnected')];
      expectEqual(
        told.map(({ reason }) => reason),
        ['released', 'released'],
        'the reasons',
      );
      await bed.quiet();
      expectThat(!isConnected(a, 'b') && !isConnected(b, 'a'), 'they are not connected');
      a.transport.addContact(b.transport.self);
      await fixture.connected(a, b);
    },
  );
  suite.test('a peer that comes back with a new incarnation is connected again', async (fixture) => {
    const [a, b] = await fixture.pair();
    const { host, port } = b.transport.self;
    await b.transport[Symbol.asyncDispose]();
    const again = await fixture.start('b', { bind: { host, port } });
    await fixture.connected(a, again);
    expectEqual(a.transport.peer('b')?.incarnation, again.context.incarnation, 'the incarnation');
    expectEqual(connections(a), 1, 'live connections of a');
    await expectTalk(fixture, a, again);
  });
  suite.test('after dispose nothing is sent', async (fixture) => {
    const [a] = await fixture.pair();
    await a.transport[Symbol.asyncDispose]();
    expectEqual(a.transport.send('b', KIND, numbered(1)), false, 'what send returns');
  });
}

function faultCases<N>(suite: TransportSuite<N>): void {
  const skipped = suite.withoutFaults;
  suite.test(
    'a peer whose process dies is told as closed, and found again',
    async (fixture) => {
      const [a, b] = await fixture.pair();
      b.machine.host?.crash();
      const { reason } = await fixture.told(a, 'disconnected');
      expectEqual(reason, 'closed', 'the reason');
      const again = await fixture.start('b', { incarnation: b.context.incarnation + 1 });
      await fixture.connected(a, again);
    },
    skipped,
  );
  suite.test(
    'a peer that falls silent is told as lost, and found again',
    async (fixture, bed) => {
      const [a, b] = await fixture.pair();
      bed.world?.partition(hostOf(a), hostOf(b));
      for (const node of [a, b]) {
        const { reason } = await fixture.told(node, 'disconnected');
        expectThat(reason === 'timeout' || reason === 'closed', `the reason tells of silence, not ${reason}`);
      }
      bed.world?.heal();
      await fixture.connected(a, b);
      await expectTalk(fixture, a, b);
    },
    skipped,
  );
  suite.test(
    'a peer that loses power is told as lost',
    async (fixture) => {
      const [a, b] = await fixture.pair();
      b.machine.host?.crash({ powerLoss: true });
      await fixture.told(a, 'disconnected');
      expectThat(!isConnected(a, 'b'), 'b is not connected any more');
    },
    skipped,
  );
}

/** Connections that were told and not yet told as ended. */
function connections(node: TestNode): number {
  return eventsOf(node, 'connected').length - eventsOf(node, 'disconnected').length;
}

async function expectTalk<N>(fixture: TransportFixture<N>, from: TestNode, to: TestNode): Promise<void> {
  const received: string[] = [];
  using _handler = to.transport.onMessage(KIND, (sender) => received.push(sender));
  expectThat(from.transport.send(to.id, KIND, numbered(1)), `${from.id} can send to ${to.id}`);
  await fixture.bed.until(`a message of ${from.id} to ${to.id}`, () => received.length > 0);
}

function hostOf({ machine }: TestNode): NonNullable<TestNode['machine']['host']> {
  if (machine.host === undefined) throw new Error('a real machine is not cut off');
  return machine.host;
}
