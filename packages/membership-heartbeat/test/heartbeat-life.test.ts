import assert from 'node:assert';
import { messageKind } from '@quorate/core';
import { fixedMisses, phiAccrual } from '@quorate/failure-detector';
import { faults } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';

import { HeartbeatScene, type SceneOptions } from './heartbeat-scene.ts';

const IDS = ['a', 'b', 'c', 'd', 'e'];
const accusations = (told: readonly string[]) => told.filter((text) => /^(?:suspected|failed)/u.test(text));

async function five(seed: string, options: SceneOptions = {}): Promise<HeartbeatScene> {
  const scene = new HeartbeatScene(seed, options);
  scene.start(...IDS);
  await scene.whole();
  return scene;
}

describe('the order in which nodes joined', () => {
  it('is the same for all who see it, and that of those who started at once is equal', async () => {
    const scene = await five('founders');
    const orders = IDS.map((seenBy) => IDS.map((id) => scene.member(id, seenBy)?.joinOrder));
    expect(orders).toEqual(IDS.map(() => IDS.map(() => 1)));
  });

  it('grows with every node that comes later, a restarted one too', async () => {
    const scene = await five('later');
    scene.start('f');
    await scene.whole();
    scene.start('g');
    await scene.whole();
    scene.node('a').host.crash();
    scene.start('a');
    await scene.whole();
    for (const seenBy of ['a', 'b', 'f', 'g']) {
      const orders = ['a', 'b', 'f', 'g'].map((id) => scene.member(id, seenBy)?.joinOrder);
      expect(orders).toEqual([4, 1, 2, 3]);
    }
  });

  it('is that of a first node which was alone for long, and the others come after it', async () => {
    const scene = new HeartbeatScene('alone');
    scene.start('z');
    await scene.world.run(15_000);
    expect(scene.member('z', 'z')?.joinOrder).toBe(1);
    scene.start('a');
    await scene.whole();
    expect([scene.member('z', 'a')?.joinOrder, scene.member('a', 'z')?.joinOrder]).toEqual([1, 2]);
  });

  it('is told with the change in which a node joins', async () => {
    const scene = await five('told');
    const { cluster } = scene.node('a');
    const joined: (number | undefined)[] = [];
    cluster.on('nodeJoined', ({ member }) => joined.push(member.joinOrder));
    scene.start('f');
    await scene.whole();
    expect(joined).toEqual([2]);
  });
});

describe('a node that dies', () => {
  it.each([
    ['its kernel tells', false, 100],
    // The detector's five intervals, and one until it is asked.
    ['nobody tells', true, 6_100],
  ])('is suspected where %s', async (_, powerLoss, withinMs) => {
    const detector = fixedMisses({ intervalMs: 1_000, missThreshold: 5 });
    const scene = await five(`dies ${powerLoss}`, { membership: { detector } });
    scene.node('b').host.crash({ powerLoss });
    const isSuspect = () => ['a', 'c', 'd', 'e'].every((id) => scene.member('b', id)?.state !== 'alive');
    await scene.world.runUntil(isSuspect, withinMs);
    const isGone = () => ['a', 'c', 'd', 'e'].every((id) => scene.member('b', id)?.state === 'unreachable');
    await scene.world.runUntil(isGone, 6_100);
    expect(accusations(scene.node('a').told).every((text) => text.includes(' b '))).toBe(true);
  });
});

describe('a detector that throws', () => {
  it('ends no process, and gives nobody up: connections still tell', async () => {
    const fails = () => assert.fail('on purpose');
    const detector = () => ({ heartbeat: () => undefined, suspicion: () => 0, isAvailable: fails });
    const scene = await five('throws', { membership: { detector } });
    await scene.world.run(10_000);
    expect(accusations(scene.node('a').told)).toEqual([]);
    scene.node('b').host.crash();
    await scene.world.runUntil(() => scene.member('b', 'a')?.state === 'unreachable', 10_000);
  });
});

describe('a node that was paused', () => {
  it('accuses nobody when it goes on, and is taken back by those who suspected it', async () => {
    const detector = fixedMisses({ intervalMs: 1_000, missThreshold: 3 });
    const scene = await five('paused', { membership: { detector } });
    const { host, told } = scene.node('c');
    const before = told.length;
    // Long enough for the others to give it up, and not for their connections to it to end.
    host.stall(4_000);
    await scene.world.runUntil(() => scene.member('c', 'a')?.state === 'suspect', 4_000);
    await scene.world.run(10_000);
    expect(scene.isWhole()).toBe(true);
    expect(accusations(told.slice(before))).toEqual([]);
    expect(scene.node('a').told.slice(-2)).toEqual(['suspected c heartbeat_timeout', 'updated c']);
  });

  it('accuses nobody who lives, however often and for however long', async () => {
    const scene = await five('often');
    const dead = scene.node('e').host;
    const { host, told } = scene.node('c');
    for (let n = 0; n < 20; n += 1) {
      host.stall(500 + scene.world.random.int(4_500));
      await scene.world.run(5_000 + scene.world.random.int(3_000));
    }
    expect(accusations(told)).toEqual([]);
    // It is not blind: who dies is found out once it is awake for long enough.
    dead.crash({ powerLoss: true });
    host.stall(4_000);
    await scene.world.runUntil(() => scene.member('e', 'c')?.state === 'unreachable', 30_000);
    expect(accusations(told).every((text) => text.includes(' e '))).toBe(true);
  });
});

describe('a node whose event loop is late', () => {
  /** How often b is suspected by a while its loop is blocked, again and again, for as long as a detector waits. */
  async function suspicions(maxLoopDelayMs: number): Promise<number> {
    const detector = fixedMisses({ intervalMs: 1_000, missThreshold: 2 });
    const scene = await five(`late ${maxLoopDelayMs}`, { membership: { detector, maxLoopDelayMs } });
    for (let n = 0; n < 40; n += 1) {
      scene.node('b').host.stall(2_800);
      await scene.world.run(5_000);
    }
    return scene.node('a').told.filter((text) => text.startsWith('suspected b')).length;
  }

  it('says so, and is waited for longer', async () => {
    expect(await suspicions(0)).toBeGreaterThan(10);
    expect(await suspicions(2_000)).toBeLessThan(3);
  });
});

describe('what others send', () => {
  it('is ignored when it is no heartbeat, of another version, or of another run', async () => {
    const scene = await five('garbage');
    const { transport } = scene.node('b').cluster;
    const before = scene.node('a').told.length;
    const { random } = scene.world;
    const heartbeat = (fill: (bytes: Uint8Array) => void) => {
      const bytes = new Uint8Array(23);
      bytes.set([0x48, 1, 1]);
      fill(bytes);
      return bytes;
    };
    const frames = [
      new Uint8Array(),
      heartbeat((bytes) => bytes.fill(0xff, 3)),
      heartbeat((bytes) => (bytes[1] = 2)),
      heartbeat((bytes) => (bytes[10] = 77)),
      ...Array.from({ length: 200 }, () => Uint8Array.from({ length: random.int(40) }, () => random.int(256))),
    ];
    for (const frame of frames) transport.send('a', messageKind.GOSSIP, frame);
    const answers = frames.map((frame) => transport.request('a', messageKind.GOSSIP, frame, { timeoutMs: 1_000 }));
    const settled = await scene.world.settled(Promise.allSettled(answers), 5_000);
    expect(settled.every((answer) => answer.status === 'rejected' && answer.reason.code === 'PROTOCOL')).toBe(true);
    expect(scene.node('a').told.slice(before)).toEqual([]);
    expect(scene.isWhole()).toBe(true);
  });

  it('can say the highest order there is, and nobody overflows', async () => {
    const scene = await five('highest');
    const { transport } = scene.node('b').cluster;
    const bytes = new Uint8Array(23);
    bytes.set([0x48, 1, 1]);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(3, BigInt(scene.member('b', 'a')?.incarnation ?? 0));
    view.setUint32(11, 0xffff_ffff);
    view.setUint32(15, 0xffff_ffff);
    transport.send('a', messageKind.GOSSIP, bytes);
    await scene.world.run(1_500);
    expect(scene.member('b', 'a')?.joinOrder).toBe(1);
    scene.start('f');
    await scene.whole();
    expect(scene.member('f', 'a')?.joinOrder).toBe(0xffff_ffff);
  });
});

describe('a partition', () => {
  it('is seen from both sides, and healed', async () => {
    const scene = await five('partition');
    scene.world.partition(scene.hosts('a', 'b'), scene.hosts('c', 'd', 'e'));
    const divided = () =>
      scene.states('a') === 'a alive, b alive, c unreachable, d unreachable, e unreachable' &&
      scene.states('d') === 'a unreachable, b unreachable, c alive, d alive, e alive';
    await scene.world.runUntil(divided, 30_000);
    scene.world.heal();
    await scene.whole(120_000);
    expect(scene.node('a').told).toContain('joined c');
  });

  it('in one direction leaves those who are heard alive to those who hear them', async () => {
    const scene = await five('one way');
    scene.world.block(scene.hosts('a'), scene.hosts('b'));
    await scene.world.runUntil(() => scene.member('a', 'b')?.state === 'suspect', 10_000);
    expect(scene.member('a', 'c')?.state).toBe('alive');
  });
});

describe('amid faults of every kind', () => {
  const detectors = {
    'phi accrual': phiAccrual({ firstEstimateMs: 500 }),
    'fixed misses': fixedMisses({ intervalMs: 500, missThreshold: 4 }),
  };

  it.each(Object.entries(detectors))('all see all once they are over, in one order: %s', async (name, detector) => {
    for (let seed = 1; seed <= 8; seed += 1) {
      const scene = await five(`faults ${name} ${seed}`, { membership: { intervalMs: 500, detector } });
      const hosts = scene.hosts(...IDS);
      const schedule = faults(scene.world, hosts, { maxDown: 3, restart: (host) => scene.start(host.name) });
      await scene.world.run(40_000);
      schedule.stop();
      for (const { name: id, running } of hosts) if (!running) scene.start(id);
      await scene.whole(60_000);
      const orders = (seenBy: string) => IDS.map((id) => scene.member(id, seenBy)?.joinOrder);
      for (const seenBy of IDS) expect(orders(seenBy)).toEqual(orders('a'));
      await scene.world.run(30_000);
      expect(scene.isWhole()).toBe(true);
    }
  });
});
