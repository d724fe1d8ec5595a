import { ClusterError } from '@quorate/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeAnswer, decodeEnvelope, encodeAnswer, encodeEnvelope } from '../src/forwarding/envelope.ts';
import {
  type CoordinationCommand,
  coordinationMachine,
  type CoordinationResult,
  type Forwarder,
  type ForwardOptions,
  forwardToLeader,
  rememberedRequests,
  termMemory,
  transportForwarder,
} from '../src/index.ts';
import { byMajority, byRaft, type CoordinatedCluster, Nodes } from './nodes.ts';
import { Stage } from './forwarding-stage.ts';
import { untilAborted } from './until-aborted.ts';

describe('forwarding to the leader', () => {
  it('has the leader do it, whoever asks, under its token', async () => {
    const { nodes, done, ask } = new Stage('whoever asks');
    const leader = await nodes.elected();
    const answers = await nodes.soon(Promise.all(nodes.running.map((name, index) => ask(name, index))));
    expect(answers).toEqual([0, 2, 4]);
    const token = nodes.get(leader).leadership?.token;
    expect(new Set(done.map(({ name }) => name))).toEqual(new Set([leader]));
    expect(done.every((each) => each.token === token)).toBe(true);
  });

  it('waits for a leader while there is none, and says in time that nothing was done', async () => {
    const { nodes, ask } = new Stage('no leader');
    const leader = await nodes.elected();
    const [one, two] = nodes.running.filter((name) => name !== leader) as [string, string];
    nodes.crash(leader);
    const answer = await nodes.soon(ask(one, 21));
    expect(answer).toBe(42);
    const next = await nodes.elected();
    const last = next === one ? two : one;
    nodes.crash(next);
    await nodes.until(() => nodes.get(last).leader === undefined);
    expect(await nodes.soon(ask(last, 1, { timeoutMs: 1000 }))).toMatchObject({
      code: 'NOT_LEADER',
      outcome: 'not-applied',
    });
  });

  it('follows who is named as leader by a node that knows better', async () => {
    const { nodes, ask, done } = new Stage('follows');
    const leader = await nodes.elected();
    const [one, two] = nodes.running.filter((name) => name !== leader) as [string, string];
    nodes.world.block(nodes.host(leader), nodes.host(two));
    nodes.world.block(nodes.host(two), nodes.host(one));
    await nodes.soon(nodes.get(leader).election.transfer(one));
    await nodes.until(() => nodes.get(leader).leader?.nodeId === one);
    nodes.world.heal();
    expect(await nodes.soon(ask(two, 5))).toBe(10);
    expect(done).toMatchObject([{ name: one }]);
  });

  it('brings back what the handler threw, once, with its code and outcome', async () => {
    const { nodes, done, ask } = new Stage('throws', (input) => {
      if (input === 1) throw new Error('no such thing');
      throw new ClusterError('STALE_TOKEN', 'too late', { outcome: 'not-applied' });
    });
    await nodes.elected();
    const { follower } = nodes;
    const thrown = await nodes.soon(ask(follower, 1));
    expect(thrown).toMatchObject({ code: 'REMOTE' });
    expect(String(thrown)).toContain('no such thing');
    expect(await nodes.soon(ask(follower, 2))).toMatchObject({ code: 'STALE_TOKEN', outcome: 'not-applied' });
    expect(done).toHaveLength(2);
  });

  it('does once what is repeated because its answer was lost', async () => {
    let sent = 0;
    const forwarder = (cluster: CoordinatedCluster): Forwarder => {
      const inner = transportForwarder(cluster);
      const send: Forwarder['send'] = async (...given) => {
        const answer = await inner.send(...given);
        sent += 1;
        if (sent % 3 !== 0) throw new ClusterError('DISCONNECTED', 'the answer was lost', { outcome: 'unknown' });
        return answer;
      };
      return { ...inner, send };
    };
    const stage = new Stage('answer lost', undefined, (cluster) => ({ forwarder: forwarder(cluster) }));
    const { nodes, done, ask } = stage;
    await nodes.elected();
    const { follower } = nodes;
    for (let input = 0; input < 10; input += 1) expect(await nodes.soon(ask(follower, input))).toBe(input * 2);
    expect(sent).toBe(30);
    expect(done.map(({ input }) => input)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('asks whoever leads by then when an attempt takes too long', async () => {
    const { nodes, ask } = new Stage('too long', undefined, () => ({ attemptTimeoutMs: 500 }));
    const leader = await nodes.elected();
    const { follower } = nodes;
    nodes.world.partition(
      nodes.host(leader),
      nodes.world.hosts.filter(({ name }) => name !== leader),
    );
    const asked = nodes.world.now;
    // Nothing arrived at the first one.
    expect(await nodes.soon(ask(follower, 3))).toBe(6);
    expect(nodes.world.now - asked).toBeLessThan(5000);
  });

  it('says that the outcome is unknown when the leader dies over it, and nobody remembers', async () => {
    const stage = new Stage('dies over it', (_, { signal }) => (stage.done.length === 1 ? untilAborted(signal) : 7));
    const { nodes, done, ask } = stage;
    const leader = await nodes.elected();
    const { follower } = nodes;
    const asked = ask(follower, 1);
    await nodes.until(() => done.length === 1);
    nodes.crash(leader);
    expect(await nodes.soon(asked)).toMatchObject({ code: 'SESSION_EXPIRED', outcome: 'unknown' });
    expect(done).toHaveLength(1);
    expect(await nodes.soon(ask(nodes.follower, 2))).toBe(7);
  });

  it('remembers across leaders where the cluster keeps it', async () => {
    const memory = (cluster: CoordinatedCluster): ForwardOptions => ({
      memory: rememberedRequests(cluster.replicator),
    });
    const { nodes, done, ask } = new Stage('remembers', undefined, memory, byRaft);
    const leader = await nodes.elected();
    const { follower } = nodes;
    expect(await nodes.soon(ask(follower, 4, { requestId: 'x' }))).toBe(8);
    nodes.crash(leader);
    await nodes.elected();
    expect(await nodes.soon(ask(nodes.follower, 4, { requestId: 'x' }))).toBe(8);
    expect(done).toHaveLength(1);
    expect(await nodes.soon(ask(nodes.follower, 5, { requestId: 'y' }))).toBe(10);
  });

  it('does not do again what a dead leader had begun', async () => {
    const stage = new Stage(
      'begun by the dead',
      (_, { signal }) => untilAborted(signal),
      (cluster) => ({ memory: rememberedRequests(cluster.replicator) }),
      byRaft,
    );
    const { nodes, done, ask } = stage;
    const leader = await nodes.elected();
    const asked = ask(nodes.follower, 1);
    await nodes.until(() => done.length === 1);
    nodes.crash(leader);
    expect(await nodes.soon(asked)).toMatchObject({ code: 'SESSION_EXPIRED', outcome: 'unknown' });
    expect(done).toHaveLength(1);
  });

  it('passes the time on, and ends the work when it is over', async () => {
    const ended: string[] = [];
    const stage = new Stage('deadline', async (_, { signal, deadline }) => {
      const left = deadline - stage.nodes.host(stage.nodes.leader as string).now;
      ended.push(`${left > 400 && left <= 500}`);
      await untilAborted(signal);
      ended.push('aborted');
    });
    const { nodes, ask } = stage;
    await nodes.elected();
    expect(await nodes.soon(ask(nodes.follower, 1, { timeoutMs: 500 }))).toMatchObject({
      code: 'TIMEOUT',
      outcome: 'unknown',
    });
    await nodes.until(() => ended.length === 2);
    expect(ended).toEqual(['true', 'aborted']);
  });

  it('ends with its caller, and when it is disposed of', async () => {
    const { nodes, ask, asks } = new Stage('ends', (_, { signal }) => untilAborted(signal));
    await nodes.elected();
    const { follower } = nodes;
    const controller = new AbortController();
    const asked = ask(follower, 1, { signal: controller.signal });
    await nodes.world.run(100);
    controller.abort();
    expect(await nodes.soon(asked)).toMatchObject({ code: 'ABORTED', outcome: 'unknown' });
    const own = new AbortController();
    const askedHere = ask(nodes.leader as string, 1, { signal: own.signal });
    await nodes.world.run(100);
    own.abort();
    expect(await nodes.soon(askedHere)).toMatchObject({ code: 'ABORTED', outcome: 'unknown' });
    const closing = ask(follower, 2);
    await nodes.world.run(100);
    await nodes.soon(asks.get(follower)?.[Symbol.asyncDispose]() as Promise<void>);
    expect(await nodes.soon(closing)).toMatchObject({ code: 'CLOSED', outcome: 'unknown' });
    expect(await nodes.soon(ask(follower, 3))).toMatchObject({ code: 'CLOSED', outcome: 'not-applied' });
  });

  it('has bounds on sizes, and on what is under way', async () => {
    const bounds = { maxInFlight: 2, maxBytes: 20 };
    const stage = new Stage(
      'bounds',
      (input, { signal }) => (input === 1 ? untilAborted(signal) : 'x'.repeat(input)),
      () => bounds,
    );
    const { nodes, ask } = stage;
    const leader = await nodes.elected();
    const [one, two] = nodes.running.filter((name) => name !== leader) as [string, string];
    expect(await nodes.soon(ask(one, 100))).toMatchObject({ code: 'OVERLOADED', outcome: 'unknown' });
    const asked = [ask(one, 1, { timeoutMs: 3000 }), ask(one, 1, { timeoutMs: 3000 })];
    expect(await nodes.soon(ask(one, 1))).toMatchObject({ code: 'OVERLOADED', outcome: 'not-applied' });
    await nodes.world.run(100);
    expect(await nodes.soon(ask(two, 2))).toMatchObject({ code: 'OVERLOADED', outcome: 'not-applied' });
    await nodes.soon(Promise.all(asked));
    await nodes.world.run(100);
    expect(await nodes.soon(ask(two, 2))).toBe('xx');
  });

  it('calls handlers by name', async () => {
    const nodes = new Nodes('by name', byMajority);
    nodes.startAll();
    await nodes.elected();
    const handlers = {
      add: ({ a, b }: { readonly a: number; readonly b: number }) => a + b,
      greet: async (name: string | undefined) => `hello ${name ?? 'you'}`,
    };
    const calls = new Map(nodes.running.map((name) => [name, forwardToLeader(nodes.get(name), handlers)]));
    const here = calls.get(nodes.follower);
    expect(await nodes.soon(here?.call('add', { a: 1, b: 2 }) as Promise<number>)).toBe(3);
    expect(await nodes.soon(here?.call('greet', undefined) as Promise<string>)).toBe('hello you');
    await expect(here?.call('other' as 'add', { a: 1, b: 2 })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const again = (): unknown => forwardToLeader(nodes.get(nodes.follower), handlers);
    expect(again).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    const odd = (): unknown => forwardToLeader(nodes.get(nodes.follower), { 'a b': () => 1 });
    expect(odd).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
  });

  it('is not hurt by bytes that are no request', async () => {
    const { nodes, ask, done } = new Stage('bytes');
    const leader = await nodes.elected();
    const { transport } = nodes.get(nodes.follower);
    for (const bytes of [
      new Uint8Array(),
      Uint8Array.of(9),
      new Uint8Array(300_000),
      Uint8Array.of(1, 0, 0, 0, 0, 9),
    ]) {
      const answer = await nodes.soon(transport.request(leader, 1100, bytes));
      expect(decodeAnswer(answer)).toMatchObject({ kind: 'error', outcome: 'not-applied' });
    }
    const envelope = {
      id: 'x',
      name: 'call',
      token: 0n,
      hops: 6,
      remainingMs: 1000,
      doubt: 0n,
      payload: new Uint8Array(),
    };
    const sent = async (change: object): Promise<unknown> =>
      decodeAnswer(await nodes.soon(transport.request(leader, 1100, encodeEnvelope({ ...envelope, ...change }))));
    expect(await sent({})).toMatchObject({ code: 'REFUSED' });
    expect(await sent({ hops: 0, token: 99_999n })).toEqual({ kind: 'not-leader', leader: undefined });
    expect(await sent({ hops: 0, name: 'other' })).toMatchObject({ code: 'NOT_FOUND' });
    expect(await sent({ hops: 0, payload: Uint8Array.of(0xff) })).toMatchObject({ code: 'PROTOCOL' });
    expect(done).toEqual([]);
    expect(await nodes.soon(ask(nodes.follower, 3))).toBe(6);
  });
});

describe('the memory of one term', () => {
  it('forgets with the term, and tells when it can not know', async () => {
    const memory = termMemory({ maxRequests: 2 });
    const mark = (id: string, token: bigint, doubt = 0n) => ({ id, token, doubt });
    expect(await memory.begin(mark('a', 1n))).toEqual({ kind: 'begun' });
    expect(await memory.begin(mark('a', 1n))).toEqual({ kind: 'unknown' });
    await memory.answer(mark('a', 1n), Uint8Array.of(1));
    expect(await memory.begin(mark('a', 1n, 1n))).toEqual({ kind: 'answered', answer: Uint8Array.of(1) });
    expect(await memory.begin(mark('b', 1n, 1n))).toEqual({ kind: 'begun' });
    expect(await memory.begin(mark('c', 1n))).toEqual({ kind: 'begun' });
    expect(await memory.begin(mark('a', 1n, 1n))).toEqual({ kind: 'unknown' });
    expect(await memory.begin(mark('c', 2n, 1n))).toEqual({ kind: 'unknown' });
    expect(await memory.begin(mark('c', 2n))).toEqual({ kind: 'begun' });
  });
});

describe('the memory of a cluster', () => {
  /** Commands applied at once; the answer to one of them is lost where that is wanted. */
  function replicated() {
    const machine = coordinationMachine();
    const lost = { next: false };
    const replicate = async (command: CoordinationCommand): Promise<CoordinationResult> => {
      const [result] = machine.apply([{ index: 1, term: 1, time: 0, command }]);
      if (!lost.next) return result as CoordinationResult;
      lost.next = false;
      throw new ClusterError('TIMEOUT', 'the answer was lost', { outcome: 'unknown' });
    };
    return { lost, replicator: { replicate } };
  }
  const mark = (id: string, token: bigint) => ({ id, token, doubt: 0n });

  it('begins again what was only written down, and nothing else', async () => {
    const { lost, replicator } = replicated();
    const memory = rememberedRequests(replicator);
    lost.next = true;
    await expect(memory.begin(mark('a', 1n))).rejects.toMatchObject({ code: 'TIMEOUT' });
    // By another leader too: it was given back.
    expect(await rememberedRequests(replicator).begin(mark('a', 2n))).toEqual({ kind: 'begun' });
    await rememberedRequests(replicator).withdraw?.(mark('a', 2n));
    expect(await memory.begin(mark('a', 1n))).toEqual({ kind: 'begun' });
    // It may have been done by now, though its answer was not kept.
    expect(await memory.begin(mark('a', 1n))).toEqual({ kind: 'unknown' });
    lost.next = true;
    await expect(memory.begin(mark('a', 1n))).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect(await rememberedRequests(replicator).begin(mark('a', 2n))).toEqual({ kind: 'under-way' });
    await memory.answer(mark('a', 1n), Uint8Array.of(0, 255));
    expect(await memory.begin(mark('a', 2n))).toEqual({ kind: 'answered', answer: Uint8Array.of(0, 255) });
  });

  it('keeps no answers that are too large', async () => {
    const memory = rememberedRequests(replicated().replicator);
    await memory.begin(mark('a', 1n));
    await expect(memory.answer(mark('a', 1n), new Uint8Array(50_000))).rejects.toMatchObject({ code: 'OVERLOADED' });
    await memory.answer(mark('a', 1n), new Uint8Array(48_000));
  });
});

describe('what is sent', () => {
  const token = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  const payload = fc.uint8Array({ maxLength: 50 });

  it('arrives as it was', () => {
    const envelope = fc.record({
      id: fc.stringMatching(/^[a-z0-9._:-]{1,64}$/u),
      name: fc.stringMatching(/^[a-z]{1,64}$/u),
      token,
      hops: fc.nat(255),
      remainingMs: fc.nat(),
      doubt: token,
      payload,
    });
    fc.assert(
      fc.property(envelope, (each) => {
        expect(decodeEnvelope(encodeEnvelope(each))).toEqual(each);
      }),
    );
    const leader = { nodeId: 'a', address: '[::1]:70', token: 7n };
    for (const answer of [
      { kind: 'answer', token: 3n, payload: Uint8Array.of(1, 2) },
      { kind: 'not-leader', leader },
      { kind: 'not-leader', leader: undefined },
      { kind: 'error', code: 'TIMEOUT', message: 'ü', outcome: 'unknown' },
      { kind: 'error', code: 'REMOTE', message: '', outcome: undefined },
    ] as const) {
      expect(decodeAnswer(encodeAnswer(answer))).toEqual(answer);
    }
  });

  it('is refused when it is nothing of the kind', () => {
    const decoders = fc.constantFrom(decodeEnvelope, decodeAnswer);
    fc.assert(
      fc.property(decoders, fc.uint8Array({ maxLength: 100 }), fc.boolean(), (decode, bytes, isOurs) => {
        if (isOurs && bytes.byteLength > 0) bytes[0] = 1;
        try {
          decode(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: 'PROTOCOL' });
        }
      }),
    );
  });
});
