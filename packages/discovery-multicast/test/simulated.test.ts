import type { Net } from '@quorate/core';
import { describe, expect, it } from 'vitest';

import { encodeDatagram, MAX_DATAGRAM_BYTES } from '../src/datagram.ts';
import { secretSeal } from '../src/seal.ts';
import { Participant, Scene, SECRET } from './scene.ts';

/** Five announcements, the check for them, and what is told together. */
const FORGOTTEN_MS = 5 * 5_000 + 1.25 * 5_000 + 100;

describe('nodes of one network', () => {
  it('find each other, on one host too, and tell of a new one at once', async () => {
    const scene = new Scene('find');
    const a = await scene.join('a');
    const b = await scene.join('b', { host: a.host, more: { port: 7001, zone: 'z1' } });
    await scene.run(700);
    expect([a.told, b.told]).toEqual(['b@1:7001', 'a@1']);
    const c = await scene.join('c');
    await scene.run(150);
    expect(a.told).toBe('b@1:7001 c@2');
    await scene.run(500);
    expect(c.told).toBe('a@1 b@1:7001');
    expect(c.snapshots).toHaveLength(1);
    expect(c.snapshots[0]?.nodes[1]).toEqual({ id: 'b', host: '10.0.0.1', port: 7001, zone: 'z1' });
    expect(await scene.ask(c)).toBe('a@1 b@1:7001');
  });

  it('are told of by a discovery that is not registered itself, and do not tell of it', async () => {
    const scene = new Scene('observer');
    const a = await scene.join('a');
    const observer = new Participant(scene.host('observer'), 'observer', 'test', { secret: SECRET });
    expect(await scene.ask(observer)).toBe('a@1');
    await scene.run(60_000);
    expect(a.told).toBe('');
  });

  it('go with a goodbye at once, and without one after five announcements that did not come', async () => {
    const scene = new Scene('leave');
    const [a, b, c, d] = [await scene.join('a'), await scene.join('b'), await scene.join('c'), await scene.join('d')];
    await scene.run(10_000);
    expect(a.told).toBe('b@2 c@3 d@4');
    await scene.done(b.discovery.unregisterNode('b'));
    await scene.run(150);
    expect(a.told).toBe('c@3 d@4');
    await scene.done(c.discovery[Symbol.asyncDispose]());
    await scene.run(150);
    expect(a.told).toBe('d@4');
    const e = await scene.join('e');
    await scene.run(20_000);
    e.host.crash();
    await scene.run(5 * 4_500);
    expect(a.told).toBe('d@4 e@5');
    await scene.run(FORGOTTEN_MS - 5 * 4_500);
    expect(a.told).toBe('d@4');
    d.host.crash({ powerLoss: true });
    await scene.run(FORGOTTEN_MS);
    expect(a.told).toBe('d@4');
    expect(a.warnings.join()).toContain('it answered with nobody; keeping 1 nodes');
  });

  it('say no more than they promise, however much is asked of them and by them', async () => {
    const scene = new Scene('busy');
    const [a, b, sniffer] = [await scene.join('a'), await scene.join('b'), await scene.sniffer()];
    await scene.run(2_000);
    const from = scene.world.now;
    const asking: Promise<unknown>[] = [];
    for (let question = 0; question < 400; question += 1) {
      asking.push(a.discovery.discoverNodes(), b.discovery.discoverNodes());
      await scene.run(10);
    }
    await scene.done(Promise.all(asking));
    const seconds = (scene.world.now - from) / 1_000;
    const count = (address: string, kind: number) =>
      sniffer.heard.filter((heard) => heard.at > from && heard.from.host === address && heard.payload[5] === kind);
    for (const { host } of [a, b]) {
      for (const kind of [1, 2]) expect(count(host.address, kind).length / seconds).toBeLessThanOrEqual(10);
    }
  });

  it('that register while their goodbye is being said stay', async () => {
    const scene = new Scene('again');
    const [a, b] = [await scene.join('a'), await scene.join('b')];
    await scene.run(700);
    const leaving = b.discovery.unregisterNode('b');
    await scene.done(b.discovery.registerNode(b.node));
    await scene.done(leaving);
    await scene.run(1_000);
    expect(a.told).toBe('b@2');
    expect(a.snapshots).toHaveLength(1);
  });

  it('are found and kept while a fifth of all datagrams is lost, and others are doubled or late', async () => {
    const scene = new Scene('loss', { loss: 0.2, duplicate: 0.3, reorder: 0.3, latencyMs: 2 });
    const all = [await scene.join('a'), await scene.join('b'), await scene.join('c'), await scene.join('d')];
    await scene.run(15_000);
    for (const { snapshots } of all) snapshots.splice(0, snapshots.length - 1);
    await scene.run(600_000);
    expect(all.map(({ told }) => told)).toEqual(['b@2 c@3 d@4', 'a@1 c@3 d@4', 'a@1 b@2 d@4', 'a@1 b@2 c@3']);
    expect(all.every(({ snapshots }) => snapshots.length === 1)).toBe(true);
  });

  it('that move or change are told as they are, and one that was started again is one', async () => {
    const scene = new Scene('move');
    const a = await scene.join('a');
    const b = await scene.join('b');
    await scene.done(b.discovery.registerNode({ ...b.node, port: 7009 }));
    await scene.run(600);
    expect(a.told).toBe('b@2:7009');
    b.host.crash();
    b.host.start(() => undefined);
    const again = await scene.join('b', { host: b.host, more: { port: 7009, metadata: { run: '2' } } });
    await scene.run(600);
    expect(again.told).toBe('a@1');
    expect(a.told).toBe('b@2:7009');
    expect(a.snapshots.at(-1)?.nodes[0]?.metadata).toEqual({ run: '2' });
  });
});

describe('a node that hears nothing forgets nobody', () => {
  it('while it was stopped', async () => {
    const scene = new Scene('stopped');
    const [a, b] = [await scene.join('a'), await scene.join('b')];
    await scene.run(10_000);
    a.host.pause();
    await scene.run(300_000);
    a.host.resume();
    await scene.run(100);
    expect(a.snapshots.map(({ nodes }) => nodes.length)).toEqual([1]);
    expect(b.told).toBe('a@1');
    await scene.run(10_000);
    expect(await scene.ask(b)).toBe('a@1');
  });

  it('while its socket is out of the group, and joins again', async () => {
    const scene = new Scene('deaf');
    const [b, c] = [await scene.join('b'), await scene.join('c')];
    const host = scene.host('a');
    const sockets: Deafening[] = [];
    const a = await scene.join('a', { host, net: deafening(host.system.net, sockets) });
    await scene.run(10_000);
    expect(a.told).toBe('b@1 c@2');
    for (const socket of sockets) socket.isDeaf = true;
    await scene.done(c.discovery[Symbol.asyncDispose]());
    await scene.run(12_000);
    expect(sockets).toHaveLength(1);
    await scene.run(13_000);
    expect(sockets).toHaveLength(2);
    expect(a.warnings.join()).toContain('this node does not even hear itself; joining the group again');
    expect(a.told).toBe('b@1 c@2');
    // The goodbye was missed, so what remains is to wait.
    await scene.run(FORGOTTEN_MS);
    expect([a.told, b.told]).toEqual(['b@1', 'a@3']);
    expect(sockets).toHaveLength(2);
  });

  it('while its interface is gone, of which it speaks once', async () => {
    const scene = new Scene('interface');
    const b = await scene.join('b');
    const host = scene.host('a');
    const sockets: Deafening[] = [];
    const up = deafening(host.system.net, sockets);
    let isGone = false;
    const gone = () => Promise.reject(new Error('no such device'));
    const net: Net = { ...up, bindDatagram: (...args) => (isGone ? gone() : up.bindDatagram(...args)) };
    const a = await scene.join('a', { host, net });
    await scene.run(10_000);
    isGone = true;
    for (const socket of sockets) socket.isDeaf = true;
    await scene.run(120_000);
    expect(a.told).toBe('b@1');
    expect(a.warnings.filter((line) => line.includes('no such device'))).toHaveLength(1);
    await expect(scene.ask(a)).rejects.toMatchObject({
      code: 'IO',
      message: expect.stringMatching(/join 239\.255\.81\.82:45981.*no such device/u),
    });
    isGone = false;
    await scene.run(7_000);
    expect([await scene.ask(a), b.told]).toEqual(['b@1', 'a@2']);
  });

  it('while its group is cut off, and tells of those who come back', async () => {
    const scene = new Scene('cut');
    const [a, b, c] = [await scene.join('a'), await scene.join('b'), await scene.join('c')];
    await scene.run(10_000);
    scene.world.partition(a.host, [b.host, c.host]);
    await scene.run(60_000);
    // It hears itself, so those others are believed gone; that is a hint, and the last one is kept.
    expect(a.told?.split(' ').length).toBeGreaterThan(0);
    scene.world.heal();
    await scene.run(6_000);
    expect(a.told).toBe('b@2 c@3');
    expect(b.told).toBe('a@1 c@3');
  });
});

describe('what others say', () => {
  it('is ignored and counted: other clusters, other secrets, none, damage, nonsense', async () => {
    const scene = new Scene('others');
    const a = await scene.join('a');
    const sniffer = await scene.sniffer();
    await scene.join('b', { cluster: 'another' });
    await scene.join('c', { options: { secret: 'quite another secret' } });
    await scene.join('d', { options: { insecure: true } });
    await scene.run(7_000);
    expect(a.told).toBe('');
    const { ignored } = a.discovery;
    expect(ignored.otherCluster).toBeGreaterThan(2);
    expect(ignored.unauthenticated).toBeGreaterThan(4);
    sniffer.say(new TextEncoder().encode('hello'));
    sniffer.say(new Uint8Array(60_000));
    const [sample] = sniffer.heard.filter(({ from }) => from.host === a.host.address);
    const damaged = sample?.payload.slice() ?? new Uint8Array();
    damaged[30] = 0;
    sniffer.say(damaged);
    await scene.run(10);
    expect(a.discovery.ignored.foreign).toBe(2);
    expect(a.discovery.ignored.unauthenticated).toBeGreaterThan(ignored.unauthenticated);
    expect(a.warnings.filter((line) => line.includes('secret'))).toHaveLength(1);
    expect(a.warnings.join()).not.toContain(SECRET);
  });

  it('is heard while secrets are replaced one node at a time', async () => {
    const scene = new Scene('rotate');
    const a = await scene.join('a', { options: { secret: ['the new secret 1234', SECRET] } });
    const b = await scene.join('b', { options: { secret: [SECRET, 'the new secret 1234'] } });
    await scene.run(700);
    expect([a.told, b.told]).toEqual(['b@2', 'a@1']);
  });

  it('works without a secret where that is asked for, and finds damage', async () => {
    const scene = new Scene('insecure');
    const a = await scene.join('a', { options: { insecure: true } });
    const sniffer = await scene.sniffer();
    const b = await scene.join('b', { options: { insecure: true } });
    await scene.run(700);
    expect([a.told, b.told]).toEqual(['b@3', 'a@1']);
    const damaged = sniffer.heard[0]?.payload.slice() ?? new Uint8Array();
    damaged[40] = 0;
    sniffer.say(damaged);
    await scene.run(10);
    expect(a.discovery.ignored.damaged).toBe(1);
  });

  it('counts once: a recording brings nobody back, and is no question', async () => {
    const scene = new Scene('replay');
    const a = await scene.join('a');
    const sniffer = await scene.sniffer();
    const [b, c] = [await scene.join('b'), await scene.join('c')];
    await scene.run(20_000);
    const record = sniffer.heard.splice(0);
    await scene.done(b.discovery.unregisterNode('b'));
    await scene.run(200);
    expect(a.told).toBe('c@4');
    sniffer.heard.length = 0;
    for (const { payload } of record) sniffer.say(payload);
    await scene.run(1_000);
    expect(a.told).toBe('c@4');
    expect(a.discovery.ignored.repeated).toBeGreaterThan(5);
    expect(sniffer.heard.filter(({ from }) => from.host === a.host.address).length).toBeLessThan(2);
    // Whoever has just been started believes it once, until the announcements fail to come.
    const d = await scene.join('d');
    await scene.run(1_000);
    for (const { payload } of record) sniffer.say(payload);
    await scene.run(200);
    expect(d.told).toContain('b@3');
    await scene.run(FORGOTTEN_MS);
    for (const { payload } of record) sniffer.say(payload);
    await scene.run(200);
    expect(d.told).toBe('a@1 c@4');
    expect(c.told).toBe('a@1 d@5');
  });

  it('makes nobody say more than ten things a second, however much is asked', async () => {
    const scene = new Scene('flood');
    const a = await scene.join('a');
    const sniffer = await scene.sniffer();
    await scene.run(5_000);
    sniffer.heard.length = 0;
    const seal = secretSeal([SECRET]);
    for (let sequence = 1; sequence <= 500; sequence += 1) {
      const message = { kind: 'ask', withinMs: 0 } as const;
      sniffer.say(encodeDatagram({ session: 'ab'.repeat(8), sequence, message }, 'test', seal));
      await scene.run(4);
    }
    const answers = sniffer.heard.filter(({ from }) => from.host === a.host.address).length;
    expect(answers).toBeGreaterThan(10);
    expect(answers).toBeLessThan(22);
  });

  it('that another has the id of this node is said', async () => {
    const scene = new Scene('twins');
    const a = await scene.join('a');
    await scene.join('a', { host: scene.host('other') });
    await scene.run(100);
    expect(a.discovery.ignored.ownId).toBeGreaterThan(0);
    expect(a.warnings.join()).toContain('another node announces itself with the id of this one');
  });
});

describe('what is said', () => {
  it('fits a datagram whatever the metadata are, and keeps its distance', async () => {
    const scene = new Scene('size');
    const sniffer = await scene.sniffer();
    const a = await scene.join('a');
    const more = { zone: 'z', metadata: { big: 'x'.repeat(2_000) } };
    const b = await scene.join('b', { more });
    const c = await scene.join('c', { more: { zone: 'z'.repeat(3_000) } });
    await scene.run(30_000);
    expect(Math.max(...sniffer.heard.map(({ payload }) => payload.length))).toBeLessThanOrEqual(MAX_DATAGRAM_BYTES);
    expect(a.snapshots.at(-1)?.nodes).toEqual([
      { id: 'b', host: b.host.address, port: 7000, zone: 'z' },
      { id: 'c', host: c.host.address, port: 7000 },
    ]);
    expect(b.warnings.join()).toContain('its metadata is not announced');
    expect(c.warnings.join()).toContain('its metadata, zone and region are not announced');
    const times = sniffer.heard.filter(({ from }) => from.host === b.host.address).map(({ at }) => at);
    const later = times.filter((at) => at > 3_000);
    const gaps = later.slice(1).map((at, index) => at - (later[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThan(4_400);
    expect(new Set(gaps.map(Math.round)).size).toBeGreaterThan(2);
  });

  it('is answered by several not at once', async () => {
    const scene = new Scene('spread');
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) await scene.join(id);
    const sniffer = await scene.sniffer();
    const observer = new Participant(scene.host('observer'), 'observer', 'test', { secret: SECRET });
    await scene.run(3_000);
    sniffer.heard.length = 0;
    await scene.ask(observer);
    const times = sniffer.heard.map(({ at }) => at);
    expect(times.length).toBeGreaterThanOrEqual(8);
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(100);
  });
});

interface Deafening {
  isDeaf: boolean;
}

/** A network whose sockets can be made deaf, and stay so. */
function deafening(net: Net, sockets: Deafening[]): Net {
  return {
    connect: (...args) => net.connect(...args),
    listen: (...args) => net.listen(...args),
    bindDatagram: (address, receive, options) => {
      const made = { isDeaf: false };
      sockets.push(made);
      return net.bindDatagram(address, (payload, from) => made.isDeaf || receive(payload, from), options);
    },
  };
}
