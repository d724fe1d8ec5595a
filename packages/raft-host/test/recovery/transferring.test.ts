import { ClusterError, isClusterError } from '@quorate/core';
import { createWorld } from '@quorate/simulator';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Transferring } from '../../src/recovery/transferring.ts';

type Group = ConstructorParameters<typeof Transferring>[0];

const world = createWorld({ seed: 'transferring' });
const host = world.host('a');
host.start(() => undefined);

/** A group that `b` leads. */
function follower(change: Partial<Group> = {}): Group {
  return {
    id: 1,
    self: 'a',
    clock: host.system.clock,
    leader: () => ({ nodeId: 'b' }),
    notLeader: () => new ClusterError('NOT_LEADER', 'not me'),
    successors: () => [],
    preferenceFor: () => 0,
    handOverTo: () => undefined,
    ask: () => Promise.reject(new ClusterError('DISCONNECTED', 'nobody is there')),
    ...change,
  };
}

/** Runs the world until it is known how that ends. */
function failure(promise: Promise<unknown>): Promise<unknown> {
  return world.settled(ending(promise), 600_000);
}

function ending(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
}

describe('what another node asks for', () => {
  it('is what every release sends', async () => {
    const sent: Uint8Array[] = [];
    const ask: Group['ask'] = (_to, _kind, body) => Promise.resolve(sent[sent.push(body.slice()) - 1] as Uint8Array);
    await new Transferring(follower({ ask })).transfer('bé', { timeoutMs: 300 });
    expect(sent.map((bytes) => [...bytes])).toEqual([[1, 0xac, 2, 3, 0x62, 0xc3, 0xa9]]);
    // Who leads gets it, and who does not passes it back.
    const leads = new Transferring(follower({ self: 'bé', leader: () => 'self' }));
    expect(await failure(leads.answer(sent[0] as Uint8Array))).toBeUndefined();
    const follows = new Transferring(follower());
    expect(await failure(follows.answer(sent[0] as Uint8Array))).toMatchObject({ code: 'NOT_LEADER' });
  });

  it('is refused with an error of its own when it is nonsense, whatever it is', async () => {
    const transferring = new Transferring(follower());
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 20 }), async (bytes) => {
        expect(isClusterError(await failure(transferring.answer(bytes)))).toBe(true);
      }),
    );
    for (const bytes of [[], [1], [2, 1, 1, 98], [1, 1, 2, 98], [1, 1, 1, 98, 0]]) {
      expect(await failure(transferring.answer(Uint8Array.from(bytes)))).toMatchObject({ code: 'PROTOCOL' });
    }
  });

  it('is waited for by few at a time, and not for ever', async () => {
    let handOvers = 0;
    const leader = new Transferring(
      follower({ leader: () => 'self', successors: () => ['b'], handOverTo: () => (handOvers += 1) }),
    );
    const day = Uint8Array.of(1, 0x80, 0xb8, 0x99, 0x29, 1, 98);
    const before = host.system.clock.now();
    const waiting = Array.from({ length: 64 }, () => ending(leader.answer(day)));
    expect(await failure(leader.answer(day))).toMatchObject({ code: 'OVERLOADED' });
    for (const end of await world.settled<unknown[]>(Promise.all(waiting), 600_000)) {
      expect(end).toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' });
    }
    expect(host.system.clock.now() - before).toBeLessThan(61_000);
    expect(handOvers).toBeGreaterThan(64);
  });
});

describe('a leader', () => {
  it('gives a voter that it has not heard of a moment to be there', async () => {
    const since = host.system.clock.now();
    let now: 'self' | { readonly nodeId: string } = 'self';
    const leader = new Transferring(
      follower({
        leader: () => now,
        successors: () => (host.system.clock.now() - since > 1000 ? ['b'] : []),
        handOverTo: (to) => (now = { nodeId: to }),
      }),
    );
    expect(await failure(leader.transfer('b'))).toBeUndefined();
    expect(host.system.clock.now() - since).toBeGreaterThan(1000);
  });

  it('tells whose transfer another came before', async () => {
    let now: 'self' | { readonly nodeId: string } = 'self';
    const leader = new Transferring(
      follower({ leader: () => now, successors: () => ['b'], handOverTo: () => (now = { nodeId: 'c' }) }),
    );
    expect(await failure(leader.transfer('b', { timeoutMs: 1000 }))).toMatchObject({ code: 'DISCONNECTED' });
  });
});
