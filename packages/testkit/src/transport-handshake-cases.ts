import type { ClusterErrorCode } from '@quorate/core';

import { expectEqual, expectThat } from './expectations.ts';
import { newcomerIdentity, testIdentity } from './node-context.ts';
import type { Suite } from './suite.ts';
import { eventsOf, isConnected, type NodeDetails, type TestNode, type TransportFixture } from './transport-fixture.ts';

type TransportSuite<N> = Suite<TransportFixture<N>>;

export function handshakeCases<N>(suite: TransportSuite<N>, isSecured: boolean): void {
  suite.test('each learns who the other is', async (fixture) => {
    const [a, b] = await fixture.pair();
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const peer = one.transport.peer(other.id);
      expectEqual(peer?.node, other.transport.self, `${other.id} as ${one.id} sees it`);
      expectEqual(peer?.incarnation, other.context.incarnation, 'the incarnation');
      expectEqual(eventsOf(one, 'connected').length, 1, 'events "connected"');
    }
  });
  clusterCases(suite, isSecured);
  duplicateCases(suite);
}

function clusterCases<N>(suite: TransportSuite<N>, isSecured: boolean): void {
  suite.test('a node of another cluster is refused by both', async (fixture) => {
    const a = await fixture.start('a', { cluster: testIdentity('one') });
    const told = isSecured ? 'REFUSED' : 'CLUSTER_MISMATCH';
    await expectRefusal(fixture, a, { cluster: testIdentity('two') }, 'CLUSTER_MISMATCH', told);
  });
  suite.test('a node of a cluster with this name and another id is refused by both', async (fixture) => {
    const a = await fixture.start('a', { cluster: testIdentity('one', 'id-1') });
    await expectRefusal(fixture, a, { cluster: testIdentity('one', 'id-2') }, 'CLUSTER_MISMATCH');
  });
  for (const dialler of ['a', 'b'] as const) {
    suite.test(
      `the id of the cluster is adopted by ${dialler === 'a' ? 'who dials' : 'who is dialled'}`,
      async (fixture) => {
        const a = await fixture.start('a', { cluster: newcomerIdentity() });
        const b = await fixture.start('b', { cluster: testIdentity('test', 'id-1') });
        await (dialler === 'a' ? fixture.connect(a, b) : fixture.connect(b, a));
        expectEqual(a.context.cluster.id, 'id-1', 'the id that a adopted');
      },
    );
  }
  suite.test('two nodes that know no id of the cluster connect', async (fixture) => {
    const a = await fixture.start('a', { cluster: newcomerIdentity() });
    const b = await fixture.start('b', { cluster: newcomerIdentity() });
    await fixture.connect(a, b);
    expectEqual([a.context.cluster.id, b.context.cluster.id], [undefined, undefined], 'ids');
  });
}

function duplicateCases<N>(suite: TransportSuite<N>): void {
  suite.test('a second node with the id of a connected one is refused, and hurts neither', async (fixture) => {
    const [a, b] = await fixture.pair();
    const intruder = await fixture.start('intruder', { id: 'b' });
    intruder.transport.addContact(a.transport.self);
    const { error } = await fixture.told(intruder, 'unreachable');
    expectEqual(error.code, 'DUPLICATE_NODE_ID', 'the error of the second');
    expectEqual((await fixture.told(a, 'refused')).error.code, 'DUPLICATE_NODE_ID', 'the error of who refused it');
    expectThat(isConnected(a, 'b') && isConnected(b, 'a'), 'the first stays connected');
    expectEqual(a.transport.peer('b')?.node, b.transport.self, 'b as a sees it');
  });
  suite.test('a node with the id of the dialled one is refused by both', async (fixture) => {
    const a = await fixture.start('a');
    await expectRefusal(fixture, a, { id: 'a' }, 'DUPLICATE_NODE_ID');
  });
  suite.test("a node's own address is harmless", async (fixture) => {
    const [a, b] = await fixture.pair();
    a.transport.addContact(a.transport.self);
    await fixture.bed.pass(fixture.noticedWithinMs / 4);
    expectEqual(a.transport.peer('a'), undefined, 'itself as a peer');
    expectEqual(eventsOf(a, 'connected').length, 1, 'events "connected"');
    expectThat(isConnected(a, 'b') && isConnected(b, 'a'), 'others stay connected');
  });
}

/** The node dials `a`; both tell the error, and neither has a connection. */
async function expectRefusal<N>(
  fixture: TransportFixture<N>,
  a: TestNode,
  stranger: NodeDetails,
  code: ClusterErrorCode,
  toldCode: ClusterErrorCode = code,
): Promise<void> {
  const b = await fixture.start('stranger', stranger);
  b.transport.addContact(a.transport.self);
  const { error, address } = await fixture.told(b, 'unreachable');
  expectEqual(error.code, toldCode, 'the error of who dialled');
  expectEqual(address.port, a.transport.self.port, 'the port that was dialled');
  expectEqual((await fixture.told(a, 'refused')).error.code, code, 'the error of who was dialled');
  for (const node of [a, b]) {
    expectEqual(eventsOf(node, 'connected'), [], 'connections');
    expectThat(!node.transport.peers.some(({ state }) => state === 'connected'), 'nobody is connected');
  }
}
