import { describe, expect, it } from 'vitest';
import {
  ClusterError,
  type ClusterNode,
  connectionMembership,
  type ConnectionMembershipOptions,
  type Membership,
  messageKind,
} from '../src/index.ts';
import { code, scene as clusterScene } from './cluster-scene.ts';
import { fakeContext, FakeTransport } from './fake-parts.ts';
import { ManualClock, settle } from './manual-clock.ts';

const node = (id: string): ClusterNode => ({ id, host: 'h', port: 1 });
/** What incarnation 1 of a peer says. */
const NOTICE = Uint8Array.of(1, 1, 0, 0, 0, 0, 0, 0, 0, 1);

interface Scene {
  readonly clock: ManualClock;
  readonly transport: FakeTransport;
  readonly membership: Membership;
  readonly told: string[];
  /** Whom it asked, and how the one who was asked goes on. */
  readonly asked: Map<string, PromiseWithResolvers<Uint8Array>>;
}

/** A membership that sees these others, who answer when the test says so. */
async function scene(others: readonly string[], options: ConnectionMembershipOptions = {}): Promise<Scene> {
  const clock = new ManualClock();
  const transport = new FakeTransport();
  const membership = connectionMembership(options).create(fakeContext(clock, transport));
  await membership.start();
  for (const id of others) transport.connect(node(id));
  await settle();
  const asked = new Map<string, PromiseWithResolvers<Uint8Array>>();
  transport.onOutgoing = (to, kind, payload) => {
    expect([kind, [...payload]]).toEqual([messageKind.GOSSIP, [1, 1, 0, 0, 0, 0, 0, 0, 0, 3]]);
    const answer = Promise.withResolvers<Uint8Array>();
    asked.set(to, answer);
    return answer.promise;
  };
  const told: string[] = [];
  void (async () => {
    for await (const { type, member } of membership.watch()) told.push(`${type} ${member.node.id}`);
  })();
  return { clock, transport, membership, told, asked };
}

/** What became of a promise by now. */
function follow(promise: Promise<unknown>): { now: unknown } {
  const state: { now: unknown } = { now: 'waits' };
  promise.then(
    () => (state.now = 'resolved'),
    (error: unknown) => (state.now = error instanceof ClusterError ? error.code : error),
  );
  return state;
}

const answer = ({ asked }: Scene, id: string) => asked.get(id)?.resolve(new Uint8Array());

describe('leave', () => {
  it('resolves at once when nobody else is alive', async () => {
    const here = await scene(['b']);
    here.transport.disconnect('b');
    await settle();
    await here.membership.leave();
    expect([...here.asked]).toEqual([]);
  });

  it('waits for more than half of the others', async () => {
    const here = await scene(['b', 'c', 'd', 'e']);
    const leaving = follow(here.membership.leave());
    await settle();
    expect([...here.asked.keys()]).toEqual(['b', 'c', 'd', 'e']);
    answer(here, 'c');
    answer(here, 'e');
    await settle();
    expect(leaving.now).toBe('waits');
    answer(here, 'b');
    await settle();
    expect([leaving.now, here.clock.pending]).toEqual(['resolved', 0]);
  });

  it('asks again whoever did not answer', async () => {
    const here = await scene(['b']);
    const leaving = follow(here.membership.leave());
    await settle();
    here.asked.get('b')?.reject(new ClusterError('DISCONNECTED', 'test'));
    here.asked.clear();
    await here.clock.advance(200);
    expect(leaving.now).toBe('waits');
    answer(here, 'b');
    await settle();
    expect(leaving.now).toBe('resolved');
  });

  it('does not wait for who leaves meanwhile, or knows no such request; it does for who falls silent', async () => {
    const here = await scene(['b', 'c', 'd', 'e']);
    const leaving = follow(here.membership.leave());
    here.transport.disconnect('b', 'goodbye');
    here.transport.disconnect('d', 'timeout');
    await settle();
    here.asked.get('c')?.reject(new ClusterError('UNSUPPORTED', 'test'));
    await settle();
    answer(here, 'e');
    await settle();
    expect(leaving.now).toBe('waits');
    here.transport.connect(node('d'));
    answer(here, 'd');
    await settle();
    expect(leaving.now).toBe('resolved');
  });

  it('is given up after its bound, by its signal, and by dispose; later calls share the first', async () => {
    const here = await scene(['b'], { leaveTimeoutMs: 1_000 });
    const controller = new AbortController();
    const calls = [here.membership.leave(), here.membership.leave({ signal: controller.signal })].map(follow);
    controller.abort();
    await here.clock.advance(999);
    expect([calls.map(({ now }) => now), here.asked.size]).toEqual([['waits', 'ABORTED'], 1]);
    await here.clock.advance(1);
    expect([calls[0]?.now, here.clock.pending]).toEqual(['TIMEOUT', 0]);
    await expect(here.membership.leave()).rejects.toEqual(code('TIMEOUT'));
    const other = await scene(['b']);
    const leaving = follow(other.membership.leave());
    await other.membership[Symbol.asyncDispose]();
    await settle();
    expect([leaving.now, other.clock.pending]).toEqual(['CLOSED', 0]);
    await expect(other.membership.leave()).rejects.toEqual(code('CLOSED'));
  });
});

describe('one that leaves', () => {
  const say = ({ transport }: Scene, from: string, notice = NOTICE) =>
    transport.asked(from, messageKind.GOSSIP, notice);
  const state = ({ membership }: Scene, id: string) => membership.view.members.get(id)?.state;

  it('is left before it is answered, and stays so while it is connected, until it is restarted', async () => {
    const here = await scene(['b']);
    await say(here, 'b');
    expect(state(here, 'b')).toBe('left');
    await say(here, 'b');
    // Whatever happens has the transport's peers looked at again.
    here.transport.connect(node('c'));
    here.transport.connect(node('b'));
    await settle();
    here.transport.disconnect('b', 'closed');
    await here.clock.advance(60_000);
    expect([state(here, 'b'), here.told]).toEqual(['left', ['left b', 'joined c']]);
    here.transport.connect(node('b'), 2);
    await settle();
    expect([state(here, 'b'), here.told.at(-1)]).toEqual(['alive', 'joined b']);
  });

  it('may be known by nothing but its connection', async () => {
    const here = await scene([]);
    here.transport.connect(node('b'));
    await say(here, 'b');
    await settle();
    expect(here.told).toEqual(['joined b', 'left b']);
  });

  it('is left too when it was suspected', async () => {
    const here = await scene(['b']);
    here.transport.disconnect('b');
    await settle();
    here.transport.silently(node('b'), 'connected');
    await say(here, 'b');
    await settle();
    expect([here.told, here.clock.pending]).toEqual([['suspected b', 'updated b', 'left b'], 0]);
  });

  it('stays left when it is forgotten but still connected', async () => {
    const here = await scene(['b'], { forgetAfterMs: 1_000 });
    await say(here, 'b');
    await here.clock.advance(2_000);
    here.transport.connect(node('c'));
    here.transport.connect(node('d'));
    await settle();
    expect([state(here, 'b'), here.told]).toEqual([undefined, ['left b', 'joined c', 'joined d']]);
    // With its connection goes the last that was remembered of it.
    here.transport.disconnect('b');
    await settle();
    here.transport.connect(node('b'));
    await settle();
    expect(here.told.at(-1)).toBe('joined b');
  });

  it('is refused when it is none, or says nothing that makes sense', async () => {
    const here = await scene(['b']);
    const other = NOTICE.with(9, 2);
    for (const notice of [other, NOTICE.subarray(1), NOTICE.with(0, 2), NOTICE.with(1, 9), new Uint8Array()]) {
      await expect(say(here, 'b', notice)).rejects.toEqual(code('PROTOCOL'));
    }
    await expect(say(here, 'nobody')).rejects.toEqual(code('PROTOCOL'));
    expect([state(here, 'b'), here.told]).toEqual(['alive', []]);
  });
});

describe('a cluster that stops', () => {
  it('leaves once all else is closed that talks to others, and before they are not reached any more', async () => {
    const { cluster, transport, journal } = clusterScene();
    await cluster.start();
    transport.connect(node('b'));
    await settle();
    journal.length = 0;
    transport.onOutgoing = async () => {
      journal.push('leave');
      return new Uint8Array();
    };
    await cluster.stop();
    const order = ['resign', 'unregister', 'close election', 'close discovery', 'leave', 'close transport'];
    expect(journal).toEqual([...order, 'close storage']);
  });

  it('goes on when nobody acknowledges in time, and reports it', async () => {
    const { cluster, transport, events, clock } = clusterScene({ timings: { stopStepTimeoutMs: 100 } });
    await cluster.start();
    transport.connect(node('b'));
    await settle();
    transport.onOutgoing = () => new Promise(() => undefined);
    const stopping = cluster.stop();
    await clock.advance(100);
    await stopping;
    expect([events.includes('error leave: TIMEOUT'), cluster.status, clock.pending]).toEqual([true, 'stopped', 0]);
  });
});
