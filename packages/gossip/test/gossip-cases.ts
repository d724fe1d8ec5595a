import { isClusterError, type Membership, type Plugin } from '@quorate/core';
import { expect, it } from 'vitest';
import { createGossip, type Gossip, type GossipValue } from '../src/index.ts';
import { gather, GossipWorld, type GossipWorldOptions } from './gossip-world.ts';

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

/** What gossip promises, on any membership that carries it. */
export function gossipCases(membership: () => Plugin<Membership, 'membership'>, loss: number): void {
  const open = (seed: string, more: More = {}) => GossipWorld.open({ seed, names: NAMES, loss, membership, ...more });
  stateCases(open);
  settingCases(open);
  broadcastCases(open);
  queryCases(open);
}

type More = Partial<Pick<GossipWorldOptions, 'zoneOf' | 'isApart'>>;
type Open = (seed: string, more?: More) => Promise<GossipWorld>;

function stateCases(open: Open): void {
  it('each node tells of itself, and all come to know the newest', async () => {
    const nodes = await open('states');
    for (const name of NAMES) nodes.gossip(name).states.set('load', name);
    for (let round = 0; round < 5; round += 1) {
      nodes.gossip('a').states.set('round', round);
      await nodes.world.run(50);
    }
    nodes.gossip('b').states.set('bytes', Uint8Array.of(0, 1, 255));
    await nodes.everywhere(
      ({ states }) =>
        NAMES.every((name) => states.of(name)?.get('load') === name) &&
        states.of('a')?.get('round') === 4 &&
        (states.of('b')?.get('bytes') as Uint8Array | undefined)?.[2] === 255,
    );
    nodes.gossip('a').states.remove('round');
    await nodes.everywhere(({ states }) => states.of('a')?.has('round') === false);
    expect(nodes.gossip('h').states.nodes).toEqual(NAMES);
  });

  it('readers are told of changes, and that a node has gone', async () => {
    const nodes = await open('watch');
    const { items } = gather(nodes.gossip('a').states.watch());
    nodes.gossip('b').states.set('load', 1);
    await nodes.world.runUntil(() => items.some(({ type }) => type === 'set'), 10_000);
    nodes.gossip('b').states.remove('load');
    await nodes.world.runUntil(() => items.some(({ type }) => type === 'removed'), 10_000);
    await nodes.stop('b');
    await nodes.world.runUntil(() => items.some(({ type }) => type === 'gone'), 30_000);
    expect(items).toEqual([
      { type: 'set', nodeId: 'b', key: 'load', value: 1 },
      { type: 'removed', nodeId: 'b', key: 'load' },
      { type: 'gone', nodeId: 'b' },
    ]);
    await nodes.world.run(60_000);
    await nodes.everywhere(({ states }) => states.of('b') === undefined);
  });

  it('a node that starts again without memory tells anew, and what it told before goes', async () => {
    const nodes = await open('restart');
    nodes.gossip('c').states.set('old', 1);
    nodes.gossip('c').states.set('both', 1);
    await nodes.everywhere(({ states }) => states.of('c')?.get('both') === 1 && states.of('c')?.get('old') === 1);
    for (let time = 0; time < 3; time += 1) {
      nodes.crash('c');
      await nodes.world.run(time * 4_000);
      nodes.start('c');
      await nodes.world.runUntil(() => nodes.live.includes('c'), 60_000);
      nodes.gossip('c').states.set('both', time + 2);
      const isNew = (states: ReadonlyMap<string, GossipValue> | undefined) =>
        states?.get('both') === time + 2 && !states.has('old');
      await nodes.everywhere(({ states }) => isNew(states.of('c')), 120_000);
    }
  });

  it('a node that comes later learns all, and its limits are kept', async () => {
    const nodes = await open('later');
    nodes.crash('h');
    for (let key = 0; key < 64; key += 1) nodes.gossip('a').states.set(`key ${key}`, key);
    expect(() => nodes.gossip('a').states.set('one more', 1)).toThrow('64 keys');
    nodes.gossip('b').states.set('large', 'x'.repeat(400));
    expect(() => nodes.gossip('b').states.set('larger', 'x'.repeat(600))).toThrow('512');
    const fill = () => {
      for (let key = 0; key < 20; key += 1) nodes.gossip('b').states.set(`fill ${key}`, 'x'.repeat(400));
    };
    expect(fill).toThrow('4096');
    nodes.start('h');
    await nodes.world.runUntil(() => nodes.live.includes('h'), 60_000);
    await nodes.everywhere(({ states }) => states.of('a')?.size === 64 && states.of('b')?.has('large') === true);
  });
}

function settingCases(open: Open): void {
  it('the last writer of the configuration wins everywhere', async () => {
    const nodes = await open('settings');
    for (const name of NAMES) nodes.gossip(name).configuration.set('limit', name);
    await nodes.everywhere(({ configuration }) => configuration.get('limit')?.value === 'h');
    const known = nodes.gossip('b').configuration.get('limit')?.version;
    expect(nodes.gossip('b').configuration.set('limit', 'next', { ifVersion: 'none' })).toBeUndefined();
    expect(nodes.gossip('b').configuration.set('limit', 'next', { ifVersion: known })).toEqual({
      time: (known?.time ?? 0) + 1,
      writer: 'b',
    });
    expect(nodes.gossip('b').configuration.set('limit', 'again', { ifVersion: known })).toBeUndefined();
    await nodes.everywhere(({ configuration }) => configuration.get('limit')?.value === 'next');
    expect(nodes.gossip('c').configuration.remove('limit')).toBe(true);
    expect(nodes.gossip('c').configuration.remove('limit')).toBe(false);
    await nodes.everywhere(({ configuration }) => configuration.entries.size === 0);
    nodes.gossip('d').configuration.set('limit', 'back');
    await nodes.everywhere(({ configuration }) => configuration.get('limit')?.value === 'back');
  });

  it('two halves that wrote apart agree when they meet', async () => {
    const nodes = await open('halves');
    const hosts = (names: readonly string[]) => names.map((name) => nodes.host(name));
    nodes.world.partition(hosts(NAMES.slice(0, 4)), hosts(NAMES.slice(4)));
    nodes.gossip('a').configuration.set('here', 'a');
    nodes.gossip('a').configuration.set('both', 'a');
    nodes.gossip('h').configuration.set('there', 'h');
    nodes.gossip('h').configuration.set('both', 'h');
    nodes.gossip('h').states.set('side', 'there');
    await nodes.world.run(40_000);
    expect(nodes.gossip('b').configuration.get('both')?.value).toBe('a');
    expect(nodes.gossip('g').configuration.get('both')?.value).toBe('h');
    nodes.world.heal();
    await nodes.everywhere(
      ({ configuration, states }) =>
        configuration.get('here')?.value === 'a' &&
        configuration.get('there')?.value === 'h' &&
        configuration.get('both')?.value === 'h' &&
        states.of('h')?.get('side') === 'there',
      180_000,
    );
  });
}

function broadcastCases(open: Open): void {
  it('a broadcast reaches all, each once, with whom it comes from', async () => {
    const nodes = await open('broadcast');
    const heard = new Map<string, string[]>(NAMES.map((name) => [name, []]));
    for (const name of NAMES) {
      nodes.gossip(name).onBroadcast('flush', (payload, { from, time }) => {
        heard.get(name)?.push(`${from} ${JSON.stringify(payload)}`);
        expect(time).toBeGreaterThan(0);
      });
    }
    const told = Array.from({ length: 30 }, (_, at) => ({ from: NAMES[at % 3] ?? 'a', at }));
    for (const { from, at } of told) {
      nodes.gossip(from).broadcast('flush', { at });
      await nodes.world.run(20);
    }
    const expected = told.map(({ from, at }) => `${from} {"at":${at}}`).sort();
    await nodes.everywhere((_, name) => heard.get(name)?.length === expected.length, 60_000);
    await nodes.world.run(60_000);
    for (const name of NAMES) expect([...(heard.get(name) ?? [])].sort()).toEqual(expected);
  });

  it('who comes later is not told again, and is heard', async () => {
    const nodes = await open('comes later');
    nodes.crash('h');
    for (let at = 0; at < 10; at += 1) nodes.gossip('a').broadcast('news', at);
    await nodes.world.run(5_000);
    const heard: string[] = [];
    const prepare = nodes.prepare.bind(nodes);
    nodes.prepare = (name, gossip) => {
      prepare(name, gossip);
      gossip.onBroadcast('news', (payload) => heard.push(`${name} ${JSON.stringify(payload)}`));
      gossip.broadcast('news', 'from h');
    };
    nodes.gossip('a').onBroadcast('news', (payload) => heard.push(`a ${JSON.stringify(payload)}`));
    nodes.start('h');
    await nodes.world.runUntil(() => heard.includes('a "from h"') && heard.includes('h "from h"'), 60_000);
    expect(heard.filter((each) => each.startsWith('h'))).toEqual(['h "from h"']);
  });

  it('refuses what is too large, has no name, or a second handler; a handler that throws hurts nobody', async () => {
    const nodes = await open('refusals');
    const { gossip } = { gossip: nodes.gossip('a') };
    expect(() => gossip.broadcast('x', 'y'.repeat(500))).toThrow('512');
    expect(() => gossip.broadcast('', 1)).toThrow('1 to 64 bytes');
    const unsayable = [undefined, NaN, new Map([[1, 2]]), { at: [Infinity] }, [undefined], [() => 1], { a: new Set() }];
    for (const value of unsayable) expect(() => gossip.states.set('x', value as never)).toThrow('JSON');
    const stillHere = () => createGossip(nodes.cluster('a'));
    expect(stillHere).toThrow('has gossip already');
    const registration = gossip.onBroadcast('x', () => {
      throw new Error('as it does');
    });
    expect(() => gossip.onBroadcast('x', () => 1)).toThrow('without a handler');
    gossip.broadcast('x', 1);
    await nodes.world.run(1_000);
    registration[Symbol.dispose]();
    gossip.onBroadcast('x', () => 1);
    await gossip[Symbol.asyncDispose]();
    expect(() => gossip.broadcast('x', 1)).toThrow('disposed');
    expect(() => gossip.states.set('x', 1)).toThrow('disposed');
    expect(() => gossip.configuration.set('x', 1)).toThrow('disposed');
    expect(() => gossip.query('x', 1)).toThrow('disposed');
    // The same node may begin again: others know more of it than it does.
    const again = createGossip(nodes.cluster('a'));
    nodes.prepare('a', again);
    again.states.set('back', true);
    await nodes.everywhere(({ states }) => states.of('a')?.get('back') === true);
  });

  it('ends with its cluster', async () => {
    const nodes = await open('ends');
    const [gossip, cluster] = [nodes.gossip('a'), nodes.cluster('a')];
    const watched: AsyncIterable<unknown>[] = [
      gossip.states.watch(),
      gossip.configuration.watch(),
      gossip.query('x', 1),
    ];
    const over = watched.map((each) => gather(each));
    await nodes.world.settled(cluster.stop(), 10_000);
    await nodes.world.settled(Promise.all(over.map(({ done }) => done)), 100);
    for (const tell of [
      () => gossip.states.set('x', 1),
      () => gossip.configuration.set('x', 1),
      () => gossip.broadcast('x', 1),
      () => gossip.query('x', 1),
    ]) {
      expect(tell).toThrow(expect.objectContaining({ code: 'CLOSED' }));
    }
  });
}

function queryCases(open: Open): void {
  it('a query is answered by all, or by those of the filter, once each', async () => {
    const nodes = await open('query', { zoneOf: (name) => (name < 'e' ? 'east' : 'west') });
    const asked: string[] = [];
    for (const name of NAMES) {
      nodes.gossip(name).onQuery('who', async (payload, { from, signal }) => {
        asked.push(name);
        expect([payload, from, signal.aborted]).toEqual(['are you', 'c', false]);
        return name === 'd' ? undefined : { name };
      });
    }
    const ask = async (gossip: Gossip, filter: object, withinMs = 20_000) => {
      const { items, done } = gather(gossip.query('who', 'are you', { timeoutMs: 8_000, filter }));
      await nodes.world.settled(done, withinMs);
      return items.map((each) => (each.type === 'answer' ? each.from : each.error.message)).sort();
    };
    const all = NAMES.filter((name) => name !== 'd');
    expect(await ask(nodes.gossip('c'), {})).toEqual(all);
    expect(asked.splice(0).sort()).toEqual(NAMES);
    expect(await ask(nodes.gossip('c'), { zone: 'east' })).toEqual(['a', 'b', 'c']);
    const before = nodes.world.now;
    expect(await ask(nodes.gossip('c'), { nodes: ['a', 'h'] })).toEqual(['a', 'h']);
    expect(nodes.world.now - before).toBeLessThan(8_000);
    expect(await ask(nodes.gossip('c'), { region: 'none' })).toEqual([]);
  });

  it('without connections answers come in datagrams, and one that is too large is a failure', async () => {
    const nodes = await open('apart', { isApart: true });
    let calls = 0;
    for (const name of NAMES) {
      nodes.gossip(name).onQuery('size', (payload) => {
        calls += 1;
        return 'x'.repeat(Number(payload));
      });
    }
    const small = gather(nodes.gossip('c').query('size', 100));
    await nodes.world.settled(small.done, 20_000);
    expect(small.items.map(({ type, from }) => `${from} ${type}`).sort()).toEqual(
      NAMES.map((name) => `${name} answer`),
    );
    expect(calls).toBe(NAMES.length);
    const answers = new Set<string>();
    // A rumour that is lost reaches some another time.
    for (let time = 0; time < 5 && answers.size < 2; time += 1) {
      const large = gather(nodes.gossip('c').query('size', 1_000, { filter: { nodes: ['a', 'c'] } }));
      await nodes.world.settled(large.done, 20_000);
      for (const { type, from } of large.items) answers.add(`${from} ${type}`);
    }
    expect([...answers].sort()).toEqual(['a failed', 'c answer']);
  });

  it('a query has bounds, and failures are answers', async () => {
    const nodes = await open('bounds');
    for (const name of NAMES) {
      nodes.gossip(name).onQuery('large', () => 'x'.repeat(10_000));
      nodes.gossip(name).onQuery('failing', () => {
        throw new Error('as it does');
      });
      nodes.gossip(name).onQuery('never', () => new Promise(() => undefined));
    }
    const { gossip } = { gossip: nodes.gossip('a') };
    const three = gather(gossip.query('large', 1, { maxAnswers: 3 }));
    await nodes.world.settled(three.done, 20_000);
    expect(three.items.length).toBe(3);
    const tooMany = gather(gossip.query('large', 1, { maxBytes: 25_000 }));
    const failure = await nodes.world.settled(
      tooMany.done.catch((error: unknown) => error),
      20_000,
    );
    expect(isClusterError(failure, 'OVERLOADED')).toBe(true);
    const failing = gather(gossip.query('failing', 1, { filter: { nodes: ['b'] } }));
    await nodes.world.settled(failing.done, 20_000);
    expect(failing.items).toMatchObject([{ type: 'failed', from: 'b', error: { message: 'as it does' } }]);
    const open64 = Array.from({ length: 64 }, () => gather(gossip.query('never', 1, { timeoutMs: 1_000 })));
    expect(() => gossip.query('never', 1)).toThrow('64 are under way');
    await nodes.world.settled(Promise.all(open64.map(({ done }) => done)), 20_000);
    const controller = new AbortController();
    const given = gather(gossip.query('never', 1, { signal: controller.signal }));
    controller.abort();
    await nodes.world.settled(given.done, 1_000);
  });
}
