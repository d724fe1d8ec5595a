import assert from 'node:assert';
import { messageKind } from '@quorate/core';
import { describe, expect, it } from 'vitest';

import {
  downAll,
  keepMajority,
  keepOldest,
  type SplitBrainDecision,
  splitBrainResolver,
  type SplitBrainStrategy,
} from '../src/index.ts';
import { SplitScene } from './split-scene.ts';

const strategy = keepMajority();

describe('a resolver', () => {
  it('removes the other side on one side, and stops the cluster on the other, once', async () => {
    const scene = await SplitScene.open('once', 'abcde', { strategy });
    scene.partition('abc', 'de');
    await scene.world.run(120_000);
    expect(scene.decided('abcde')).toEqual([
      'remove d e',
      'remove d e',
      'remove d e',
      'down minority, over',
      'down minority, over',
    ]);
    expect(scene.statuses('abcde')).toEqual(['running', 'running', 'running', 'stopped', 'stopped']);
    expect([...scene.node('a').resolver.removed.keys()]).toEqual(['d', 'e']);
  });

  it('decides no sooner than the margin after the last change', async () => {
    const scene = await SplitScene.open('margin', 'abcde', { strategy });
    scene.partition('abcd', 'e');
    await scene.sees('abcd', 'abcd');
    await scene.world.runUntil(
      () => scene.node('a').cluster.membership.view.members.get('e')?.state === 'unreachable',
      10_000,
    );
    await scene.world.run(4_000);
    scene.node('d').host.crash();
    await scene.world.run(4_000);
    expect(scene.decided('abc')).toEqual(['', '', '']);
    await scene.world.run(5_000);
    expect(scene.decided('abc')).toEqual(['remove d e', 'remove d e', 'remove d e']);
  });

  it('does nothing about a suspect that comes back', async () => {
    const scene = await SplitScene.open('suspect', 'abc', { strategy: downAll() });
    for (let n = 0; n < 10; n += 1) {
      scene.node('c').host.restart();
      await scene.sees('ab', 'abc');
      await scene.world.run(3_000);
    }
    expect(scene.decided('ab')).toEqual(['', '']);
  });

  it('waits until a suspect is on one side or the other', async () => {
    const scene = await SplitScene.open('settled', 'abcde', {
      strategy,
      stableAfterMs: 500,
      downAllWhenUnstableMs: 20_000,
    });
    scene.partition('abcd', 'e');
    const { membership } = scene.node('a').cluster;
    await scene.world.runUntil(() => membership.view.members.get('e')?.state === 'unreachable', 10_000);
    await scene.world.run(200);
    scene.node('d').host.crash();
    await scene.world.run(10_000);
    expect(scene.decided('a')).toEqual(['remove d e']);
  });

  it('goes down when members keep changing for too long while some are unreachable', async () => {
    const scene = await SplitScene.open('unstable', 'abcdef', { strategy });
    scene.partition('abcde', 'f');
    await scene.sees('abcde', 'abcde');
    const began = scene.world.now;
    while (scene.node('a').decided.length === 0 && scene.world.now - began < 60_000) {
      scene.start('e');
      await scene.world.run(2_500);
    }
    expect(scene.decided('abcd')).toEqual(['', '', '', ''].map(() => 'down unstable, over'));
    expect(scene.world.now - began).toBeGreaterThan(19_000);
    expect(scene.world.now - began).toBeLessThan(30_000);
  });

  it('waits for ever when that is asked for', async () => {
    const scene = await SplitScene.open('for ever', 'abcdef', { strategy, downAllWhenUnstableMs: Infinity });
    scene.partition('abcde', 'f');
    await scene.sees('abcde', 'abcde');
    for (let n = 0; n < 40; n += 1) {
      scene.start('e');
      await scene.world.run(2_500);
    }
    expect(scene.decided('abcd')).toEqual(['', '', '', '']);
  });

  it('counts after a removal what is left', async () => {
    const scene = await SplitScene.open('shrinks', 'abcde', { strategy });
    scene.partition('abc', 'de');
    await scene.world.run(20_000);
    scene.partition('ab', 'c');
    await scene.world.run(20_000);
    expect(scene.decided('ab')).toEqual(['remove d e, remove c', 'remove d e, remove c']);
    expect(scene.decided('c')).toEqual(['remove d e, down minority, over']);
  });

  it('takes back who was removed and was started again', async () => {
    const scene = await SplitScene.open('again', 'abcde', { strategy });
    scene.partition('abc', 'de');
    await scene.world.run(20_000);
    scene.world.heal();
    for (const id of 'de') scene.start(id);
    await scene.sees('abcde', 'abcde');
    await scene.world.run(30_000);
    expect(scene.decided('abcde')).toEqual(['remove d e', 'remove d e', 'remove d e', '', '']);
    expect(scene.node('a').resolver.removed.size).toBe(0);
    scene.partition('ab', 'cde');
    await scene.world.run(20_000);
    expect(scene.decided('ad')).toEqual(['remove d e, down minority, over', 'remove a b']);
  });

  it('has those end who were removed, and came back before they went down', async () => {
    const scene = await SplitScene.open('returns', 'abcde', { strategy });
    scene.partition('abc', 'de');
    // These begin their margin anew again and again, and so are late.
    const disturb = () => {
      scene.node('d').host.stall(1_300);
      scene.node('e').host.stall(1_500);
    };
    const isRemoved = () => ['a', 'b', 'c'].every((id) => scene.node(id).resolver.removed.size === 2);
    for (let n = 0; n < 30 && !isRemoved(); n += 1) {
      disturb();
      await scene.world.run(2_000);
    }
    expect(scene.decided('de')).toEqual(['', '']);
    scene.world.heal();
    await scene.world.run(30_000);
    expect(scene.decided('de')).toEqual(['down removed, over', 'down removed, over']);
    expect(scene.statuses('abcde')).toEqual(['running', 'running', 'running', 'stopped', 'stopped']);
  });

  it('remembers a run that was removed for longer than the membership does', async () => {
    const scene = await SplitScene.open('late', 'abcde', { strategy });
    const { host } = scene.node('e');
    host.pause();
    await scene.world.run(60_000);
    expect([...scene.node('a').resolver.removed.keys()]).toEqual(['e']);
    // With the next change the membership forgets it.
    await scene.world.run(3_700_000);
    scene.node('d').host.restart();
    await scene.world.run(60_000);
    expect(scene.node('a').cluster.membership.view.members.has('e')).toBe(false);
    expect([...scene.node('a').resolver.removed.keys()]).toEqual([]);
    host.resume();
    await scene.world.run(30_000);
    expect(scene.decided('ae')).toEqual(['remove e', 'down removed, over']);
  });

  it('does not end for a word about another run of it, or for noise', async () => {
    const scene = await SplitScene.open('noise', 'ab', { strategy });
    const { transport } = scene.node('b').cluster;
    for (const bytes of [[1, 2, 0, 0, 0, 0, 0, 0, 0, 1], [1, 2], [2, 2, 0, 0, 0, 0, 0, 0, 0, 0], []]) {
      transport.send('a', messageKind.SPLIT_BRAIN, Uint8Array.from(bytes));
    }
    await scene.world.run(5_000);
    expect(scene.decided('a')).toEqual(['']);
  });

  it('decides nothing by what it knew before it was paused', async () => {
    const scene = await SplitScene.open('paused', 'abc', { strategy });
    scene.partition('ab', 'c');
    const { host, cluster } = scene.node('c');
    await scene.world.runUntil(() => cluster.membership.view.members.get('a')?.state === 'unreachable', 30_000);
    // It has seen the partition, and its margin has begun.
    await scene.world.run(1_500);
    host.pause();
    await scene.world.run(2_000);
    scene.world.heal();
    await scene.world.run(4_000);
    host.resume();
    await scene.world.run(1_000);
    expect(scene.decided('c')).toEqual(['']);
  });

  it('only tells where it is asked to report, and ends', async () => {
    const told: SplitBrainDecision[] = [];
    const options = { strategy, onDown: 'report', onDecision: (it: SplitBrainDecision) => told.push(it) } as const;
    const scene = await SplitScene.open('report', 'abcd', options);
    scene.partition('ab', 'cd');
    await scene.world.run(60_000);
    expect(scene.decided('abcd')).toEqual(['', '', '', ''].map(() => 'down minority, over'));
    expect(scene.statuses('abcd')).toEqual(['running', 'running', 'running', 'running']);
    expect(told).toEqual([1, 2, 3, 4].map(() => ({ type: 'down', reason: 'minority' })));
  });

  it('stops the cluster even when onDecision throws, and not before it is done', async () => {
    const statuses: string[] = [];
    const scene: SplitScene = await SplitScene.open('throws', 'ab', {
      strategy,
      onDecision: async () => {
        await Promise.resolve();
        statuses.push(...scene.statuses('ab'));
        throw new Error('on purpose');
      },
    });
    scene.partition('a', 'b');
    await scene.world.run(30_000);
    expect(statuses[0]).toBe('running');
    expect(scene.statuses('ab')).toEqual(['stopped', 'stopped']);
  });

  it.each([
    ['throws', { decide: () => assert.fail('on purpose') }],
    ['says what is no verdict', { decide: () => ({ type: 'continue' }) }],
    ['says nothing', { decide: () => undefined }],
    ['has nobody who arbitrates', { decide: () => ({ type: 'arbitrate', waitMs: 0 }) }],
  ])('goes down when the strategy %s', async (_what, wrong) => {
    const wrongly = { name: 'wrongly', ...wrong } as unknown as SplitBrainStrategy;
    const scene = await SplitScene.open('wrong', 'ab', { strategy: wrongly });
    scene.partition('a', 'b');
    await scene.world.run(30_000);
    expect(scene.decided('ab')).toEqual(['down strategy_failed, over', 'down strategy_failed, over']);
    expect(scene.statuses('ab')).toEqual(['stopped', 'stopped']);
  });

  it('is the only one of its cluster', async () => {
    const scene = await SplitScene.open('second', 'ab', { strategy });
    const { cluster, resolver } = scene.node('a');
    expect(() => splitBrainResolver(cluster, { strategy })).toThrow('this cluster has a resolver already');
    await resolver[Symbol.asyncDispose]();
    await splitBrainResolver(cluster, { strategy })[Symbol.asyncDispose]();
  });

  it('ends with its cluster, or when it is disposed of', async () => {
    const scene = await SplitScene.open('ends', 'abc', { strategy });
    await scene.world.settled(scene.node('a').cluster.stop(), 10_000);
    await scene.node('b').resolver[Symbol.asyncDispose]();
    scene.partition('b', 'c');
    await scene.world.run(30_000);
    expect(scene.decided('abc')).toEqual(['over', 'over', 'down minority, over']);
    expect(scene.statuses('b')).toEqual(['running']);
  });

  it('is not made where the membership does not tell what the strategy needs, or with wrong options', async () => {
    const scene = await SplitScene.open('refused', 'ab', { strategy });
    const { cluster } = scene.node('a');
    const refused = [
      { strategy: keepOldest() },
      {},
      { strategy: 'keepMajority' },
      { strategy, onDown: 'nothing' },
      { strategy, stableAfterMs: 1 },
      { strategy, stableAfterMs: 1_000, downAllWhenUnstableMs: 1_000 },
      { strategy, onDecision: true },
      { strategy, stable: 3 },
    ];
    for (const options of refused) {
      expect(() => splitBrainResolver(cluster, options as { strategy: typeof strategy })).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTIONS' }),
      );
    }
  });
});
