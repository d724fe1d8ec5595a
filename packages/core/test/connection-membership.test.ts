import { describe, expect, it, vi } from 'vitest';
import {
  type ClusterNode,
  ClusterError,
  connectionMembership,
  type ConnectionMembershipOptions,
  MAX_GONE_MEMBERS,
  MAX_SUSPECT_MEMBERS,
  type Membership,
  type MembershipChange,
} from '../src/index.ts';
import { fakeContext, FakeTransport } from './fake-parts.ts';
import { ManualClock, settle } from './manual-clock.ts';

const node = (id: string, rest: Partial<ClusterNode> = {}): ClusterNode => ({ id, host: 'h', port: 1, ...rest });

interface Scene {
  readonly clock: ManualClock;
  readonly transport: FakeTransport;
  readonly membership: Membership;
  readonly changes: MembershipChange[];
  /** As `joined b`, `failed b closed`. */
  readonly told: () => string[];
  readonly state: (id: string) => string | undefined;
}

async function scene(options: ConnectionMembershipOptions = {}): Promise<Scene> {
  const clock = new ManualClock();
  const transport = new FakeTransport();
  const membership = connectionMembership(options).create(fakeContext(clock, transport));
  const changes: MembershipChange[] = [];
  const watching = membership.watch();
  void (async () => {
    for await (const change of watching) changes.push(change);
  })();
  await membership.start();
  const told = () =>
    changes.map((change) =>
      [change.type, change.member.node.id, 'reason' in change ? change.reason : ''].join(' ').trim(),
    );
  return { clock, transport, membership, changes, told, state: (id) => membership.view.members.get(id)?.state };
}

describe('connectionMembership', () => {
  it('begins with this node, alive', async () => {
    const { membership, clock } = await scene();
    const self = { node: node('self', { host: '127.0.0.1' }), state: 'alive', incarnation: 3, since: clock.now() };
    expect([...membership.view.members.values()]).toEqual([self]);
  });

  it('shows the address of this node once it is bound', async () => {
    const { membership, transport, changes } = await scene();
    const { version } = membership.view;
    transport.self = { ...transport.self, port: 4_242 };
    expect(membership.view.members.get('self')?.node.port).toBe(4_242);
    expect([membership.view.version, membership.view.version, changes]).toEqual([version + 1, version + 1, []]);
  });

  it('goes from joined to suspected to failed, and back', async () => {
    const { transport, clock, told, state } = await scene({ unreachableAfterMs: 1_000 });
    transport.connect(node('b'));
    await settle();
    transport.disconnect('b', 'timeout');
    await clock.advance(999);
    expect([told(), state('b')]).toEqual([['joined b', 'suspected b heartbeat_timeout'], 'suspect']);
    await clock.advance(1);
    expect([told().at(-1), state('b')]).toEqual(['failed b heartbeat_timeout', 'unreachable']);
    transport.connect(node('b'), 2);
    await settle();
    expect([told().at(-1), state('b'), clock.pending]).toEqual(['joined b', 'alive', 0]);
  });

  it('says that a suspect whose address refuses was refused', async () => {
    const { transport, clock, told } = await scene({ unreachableAfterMs: 1_000 });
    transport.connect(node('b', { port: 9 }));
    await settle();
    transport.disconnect('b');
    transport.tell({
      type: 'unreachable',
      address: { host: 'h', port: 9 },
      error: new ClusterError('DISCONNECTED', ''),
    });
    await clock.advance(1_000);
    expect(told()).toEqual(['joined b', 'suspected b connection_closed', 'failed b connection_refused']);
  });

  it('updates a suspect that is back in time, and cancels its suspicion', async () => {
    const { transport, clock, told } = await scene({ unreachableAfterMs: 1_000 });
    transport.connect(node('b'));
    await settle();
    transport.disconnect('b');
    await settle();
    transport.connect(node('b'));
    await clock.advance(5_000);
    expect(told()).toEqual(['joined b', 'suspected b connection_closed', 'updated b']);
  });

  it('suspects anew each time: an earlier suspicion does not shorten a later one', async () => {
    const { transport, clock, state } = await scene({ unreachableAfterMs: 1_000 });
    transport.connect(node('b'));
    await settle();
    transport.disconnect('b');
    await clock.advance(500);
    transport.connect(node('b'));
    await clock.advance(400);
    transport.disconnect('b');
    await clock.advance(999);
    expect(state('b')).toBe('suspect');
    await clock.advance(1);
    expect(state('b')).toBe('unreachable');
  });

  it('updates only what is different: incarnation, address, metadata', async () => {
    const { transport, told, changes, clock } = await scene();
    for (const [rest, incarnation] of [
      [{}, 1],
      [{}, 1],
      [{}, 2],
      [{ metadata: { a: '1' } }, 2],
      [{ metadata: { a: '1' } }, 2],
      [{ port: 2, metadata: { a: '1' } }, 2],
    ] as const) {
      transport.connect(node('b', rest), incarnation);
      await clock.advance(10);
    }
    expect(told()).toEqual(['joined b', 'updated b', 'updated b', 'updated b']);
    expect(new Set(changes.map(({ member }) => member.since)).size).toBe(1);
  });

  it('takes goodbye for leaving, even of a suspect, and lets it join again', async () => {
    const { transport, clock, told, state } = await scene();
    transport.connect(node('b'));
    await settle();
    transport.disconnect('b');
    await settle();
    transport.disconnect('b', 'goodbye');
    transport.disconnect('b', 'goodbye');
    await settle();
    expect([state('b'), clock.pending]).toEqual(['left', 0]);
    transport.connect(node('b'));
    await settle();
    expect(told()).toEqual(['joined b', 'suspected b connection_closed', 'left b graceful_shutdown', 'joined b']);
  });

  it('makes a new view of the next version with each change, and never changes an old one', async () => {
    const { transport, changes, membership } = await scene();
    const first = membership.view;
    transport.connect(node('c'));
    transport.connect(node('b'));
    await settle();
    expect(changes.map(({ view }) => [view.version, [...view.members.keys()]])).toEqual([
      [first.version + 1, ['c', 'self']],
      [first.version + 2, ['b', 'c', 'self']],
    ]);
    expect([...first.members.keys()]).toEqual(['self']);
  });

  it('catches up with what events did not tell', async () => {
    const { transport, told } = await scene();
    transport.connect(node('b'));
    await settle();
    transport.silently(node('b'), 'disconnected');
    transport.silently(node('c'), 'connected');
    transport.connect(node('d'));
    await settle();
    expect(told()).toEqual(['joined b', 'joined d', 'joined c', 'suspected b connection_closed']);
  });

  it('catches up behind refusals too, without a look at all peers for each', async () => {
    const { transport, state } = await scene();
    const looks = vi.spyOn(transport, 'peers', 'get');
    const error = new ClusterError('REFUSED', 'a stranger');
    transport.silently(node('b'), 'connected');
    for (let count = 0; count < 1_000; count += 1) {
      transport.tell({ type: 'refused', remote: { host: 'h', port: 2 }, error });
    }
    await settle();
    expect(state('b')).toBe('alive');
    expect(looks.mock.calls.length).toBeLessThan(10);
  });

  it('does not fail a suspect that is connected after all', async () => {
    const { transport, clock, told } = await scene({ unreachableAfterMs: 1_000 });
    transport.connect(node('b'));
    await settle();
    transport.disconnect('b');
    await settle();
    transport.silently(node('b'), 'connected');
    await clock.advance(1_000);
    expect(told().at(-1)).toBe('updated b');
  });

  it('forgets those that are gone, after a time and beyond a number', async () => {
    const { transport, clock, membership } = await scene({ forgetAfterMs: 1_000 });
    transport.connect(node('old'));
    await settle();
    transport.disconnect('old', 'goodbye');
    await clock.advance(1_000);
    for (let at = 0; at < MAX_GONE_MEMBERS + 5; at += 1) {
      const id = `n${String(at).padStart(4, '0')}`;
      transport.connect(node(id));
      transport.disconnect(id, 'goodbye');
      await settle();
      await clock.advance(at < 5 ? 1 : 0);
    }
    transport.connect(node('z'));
    await settle();
    const ids = [...membership.view.members.keys()];
    expect([ids.length, ids.includes('old'), ids.includes('n0000'), ids.includes('n0005')]).toEqual([
      MAX_GONE_MEMBERS + 2,
      false,
      false,
      true,
    ]);
  });

  it('suspects so many at once, and then gives up who was here only for a moment', async () => {
    const { transport, clock, membership, state, changes } = await scene({ unreachableAfterMs: 10_000 });
    transport.connect(node('honest'));
    await clock.advance(5_000);
    transport.disconnect('honest');
    const flood = MAX_SUSPECT_MEMBERS + 50;
    for (let at = 0; at < flood; at += 1) {
      transport.connect(node(`s${at}`));
      transport.disconnect(`s${at}`);
      await settle();
    }
    const suspects = [...membership.view.members.values()].filter((member) => member.state === 'suspect');
    expect([suspects.length, clock.pending, state('honest')]).toEqual([
      MAX_SUSPECT_MEMBERS,
      MAX_SUSPECT_MEMBERS,
      'suspect',
    ]);
    expect(membership.view.members.size).toBeLessThanOrEqual(2 + MAX_SUSPECT_MEMBERS + MAX_GONE_MEMBERS);
    expect(changes.filter(({ type }) => type === 'failed')).toHaveLength(flood + 1 - MAX_SUSPECT_MEMBERS);
    transport.connect(node('honest'));
    await settle();
    expect(state('honest')).toBe('alive');
  });

  it('ends watches and timers when disposed, twice, and refuses to start then', async () => {
    const { transport, clock, membership } = await scene();
    transport.connect(node('b'));
    await settle();
    transport.disconnect('b');
    await settle();
    await membership[Symbol.asyncDispose]();
    await membership[Symbol.asyncDispose]();
    expect(clock.pending).toBe(0);
    for await (const _ of membership.watch()) expect.unreachable();
    await expect(membership.start()).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('refuses wrong options by name', () => {
    const wrong = { unreachableAfterMs: -1 };
    expect(() => connectionMembership(wrong)).toThrow(/^connectionMembership: unreachableAfterMs must be/u);
    expect(() => connectionMembership({ patience: 1 } as object)).toThrow('there is no option patience');
  });
});
