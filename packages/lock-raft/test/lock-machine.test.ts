import type { LockShare } from '@quorate/core';
import { seededRandom } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';

import { lockCodec, type LockCommand, type LockResult } from '../src/lock-command.ts';
import { LockMachine } from '../src/lock-machine.ts';

const observer = { changed: () => undefined, restored: () => undefined };
const EXCLUSIVE: LockShare = { kind: 'exclusive' };
type Asking = Partial<LockCommand & { readonly type: 'acquire' }>;

/** A machine and its log. */
class Log {
  readonly machine: LockMachine;
  #index = 0;

  constructor(machine: LockMachine = new LockMachine(observer)) {
    this.machine = machine;
  }

  do(time: number, command: LockCommand): LockResult | undefined {
    this.#index += 1;
    // As it comes from the log.
    const decoded = lockCodec.command.decode(lockCodec.command.encode(command));
    const [result] = this.machine.apply([{ index: this.#index, term: 1, time, command: decoded }]);
    return result && lockCodec.result.decode(lockCodec.result.encode(result));
  }

  acquire(time: number, nodeId: string, claim: number, asking: Asking = {}): LockResult | undefined {
    const holder = { nodeId, incarnation: 1 };
    const defaults = { name: 'x', share: EXCLUSIVE, ttlMs: 100, waits: true };
    return this.do(time, { type: 'acquire', holder, claim, ...defaults, ...asking });
  }

  renew(time: number, nodeId: string, ...claims: number[]): LockResult | undefined {
    return this.do(time, { type: 'renew', holder: { nodeId, incarnation: 1 }, claims });
  }

  release(time: number, nodeId: string, ...claims: number[]): LockResult | undefined {
    return this.do(time, { type: 'release', holder: { nodeId, incarnation: 1 }, claims });
  }

  stateOf(nodeId: string, claim: number): unknown {
    return this.machine.stateOf({ nodeId, incarnation: 1 }, claim);
  }
}

async function copyOf(machine: LockMachine, cutAt = 7): Promise<LockMachine> {
  const source = machine.capture();
  const bytes: number[] = [];
  for await (const chunk of source.chunks({})) bytes.push(...chunk);
  source.release();
  const copy = new LockMachine(observer);
  await copy.restore(cut(Uint8Array.from(bytes), cutAt), { version: 1 });
  return copy;
}

async function* cut(bytes: Uint8Array, size: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe('the machine', () => {
  it('takes a claim once, however often it is asked', () => {
    const log = new Log();
    expect(log.acquire(0, 'a', 1)).toEqual({ type: 'held', token: 1 });
    expect(log.acquire(90, 'a', 1)).toEqual({ type: 'held', token: 1 });
    expect(log.acquire(100, 'b', 1)).toEqual({ type: 'waiting', after: 1 });
    expect(log.acquire(110, 'b', 1)).toEqual({ type: 'waiting', after: 1 });
    // Asked again it is a sign of life, too.
    expect(log.renew(189, 'b', 1)).toEqual({ type: 'renewed', states: [{ type: 'waiting', after: 1 }] });
    expect(log.renew(190, 'b', 1)).toEqual({ type: 'renewed', states: [{ type: 'held', token: 2 }] });
  });

  it('ends a claim when its time is over, and not before', () => {
    const log = new Log();
    log.acquire(0, 'a', 1);
    log.acquire(50, 'b', 1);
    log.renew(99, 'a', 1);
    log.do(198, { type: 'expire' });
    expect([log.stateOf('a', 1), log.stateOf('b', 1)]).toEqual([{ type: 'held', token: 1 }, { type: 'gone' }]);
    expect(log.machine.nextExpiry).toBe(199);
    log.do(199, { type: 'expire' });
    expect([log.stateOf('a', 1), log.machine.nextExpiry]).toEqual([{ type: 'gone' }, Infinity]);
    expect(log.renew(199, 'a', 1, 7)).toEqual({ type: 'renewed', states: [{ type: 'gone' }, { type: 'gone' }] });
  });

  it('does not have time go back', () => {
    const log = new Log();
    log.acquire(1000, 'a', 1);
    log.renew(500, 'a', 1);
    log.do(1099, { type: 'expire' });
    expect(log.stateOf('a', 1)).toEqual({ type: 'held', token: 1 });
  });

  it('gives another run of a node nothing of what it had before', () => {
    const log = new Log();
    log.acquire(0, 'a', 1);
    const holder = { nodeId: 'a', incarnation: 2 };
    expect(log.do(1, { type: 'renew', holder, claims: [1] })).toEqual({ type: 'renewed', states: [{ type: 'gone' }] });
    log.do(2, { type: 'release', holder, claims: [1] });
    expect(log.stateOf('a', 1)).toEqual({ type: 'held', token: 1 });
  });

  it('says what it has no room for, and what does not fit', () => {
    const log = new Log(new LockMachine(observer, { claims: 3, waitingPerName: 1 }));
    log.acquire(0, 'a', 1);
    expect(log.acquire(0, 'b', 1, { waits: false })).toEqual({ type: 'taken' });
    expect(log.acquire(0, 'b', 1, { share: { kind: 'read' } })).toEqual({ type: 'misfit' });
    expect(log.acquire(0, 'b', 1)).toEqual({ type: 'waiting', after: 1 });
    expect(log.acquire(0, 'c', 1)).toEqual({ type: 'full', what: '1 wait for x' });
    log.acquire(0, 'c', 1, { name: 'y' });
    expect(log.acquire(0, 'c', 2, { name: 'z' })).toEqual({ type: 'full', what: '3 locks are held or waited for' });
    expect(log.machine.query({ name: 'x' })).toEqual({ holders: [{ nodeId: 'a', token: 1 }], waiting: 1 });
    log.release(0, 'a', 1);
    expect(log.acquire(0, 'c', 2, { name: 'z' })).toMatchObject({ type: 'held' });
  });

  it('lets in all whose turn it is, and tells who watches', () => {
    const told: string[] = [];
    const machine = new LockMachine({
      changed: (claims) => told.push(claims.map(({ holder, token }) => `${holder.nodeId} ${token}`).join(', ')),
      restored: () => undefined,
    });
    const log = new Log(machine);
    const share: LockShare = { kind: 'read' };
    log.acquire(0, 'a', 1, { share: { kind: 'write' } });
    for (const nodeId of ['b', 'c']) log.acquire(0, nodeId, 1, { share });
    log.release(0, 'a', 1);
    expect(told.at(-1)).toBe('a 1, b 2, c 3');
  });

  it.each([1, 2, 3, 4])('comes to the same from a snapshot: %i', async (seed) => {
    const random = seededRandom(seed, 'commands');
    const log = new Log();
    const commands = Array.from({ length: 300 }, (_, at) => randomCommand(random.int.bind(random), at));
    let time = 0;
    const times = commands.map(() => (time += random.int(30)));
    for (const [at, command] of commands.slice(0, 150).entries()) log.do(times[at] ?? 0, command);
    const copy = new Log(await copyOf(log.machine, 1 + random.int(50)));
    for (const [at, command] of commands.entries()) {
      if (at < 150) continue;
      const when = times[at] ?? 0;
      expect(copy.do(when, command)).toEqual(log.do(when, command));
    }
  });

  it('refuses a snapshot that is none, and stays what it was', async () => {
    const log = new Log();
    log.acquire(0, 'a', 1);
    const good = ['[0,1,1]', '["b",1,1,"x",100,50,1,"exclusive"]', ''].join('\n');
    for (const text of [
      'x',
      '[0,1,1]\n',
      '[0,1,0]',
      good.replace('"exclusive"', '"mine"'),
      good.replace('"b"', '"b b"'),
      good.replace('50', '"50"'),
      good.replace('[0,1,1]', '[0,1,2]'),
    ]) {
      const bytes = new TextEncoder().encode(text);
      await expect(log.machine.restore(cut(bytes, 100), { version: 1 }), text).rejects.toMatchObject({
        code: 'CORRUPT',
      });
    }
    const later = log.machine.restore(cut(new TextEncoder().encode(good), 100), { version: 2 });
    await expect(later).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    expect(log.stateOf('a', 1)).toEqual({ type: 'held', token: 1 });
    await log.machine.restore(cut(new TextEncoder().encode(good), 100), { version: 1 });
    expect([log.stateOf('a', 1), log.stateOf('b', 1)]).toEqual([{ type: 'gone' }, { type: 'held', token: 1 }]);
  });

  it('takes nothing from the wire that is no command', () => {
    for (const text of [
      '',
      '{}',
      '["z"]',
      '["k","a b",1,[1]]',
      '["k","a",1,[-1]]',
      '["k","a",1,1]',
      '["r","a",1.5,[]]',
      '["a","a",1,1,"",100,true,"exclusive"]',
      '["a","a",1,1,"x",0,true,"exclusive"]',
      '["a","a",1,1,"x",100,1,"exclusive"]',
      '["a","a",1,1,"x",100,true,"permit",0]',
      '["a","a",1,1,"x",100,true,"all"]',
    ]) {
      const decode = (): unknown => lockCodec.command.decode(new TextEncoder().encode(text));
      expect(decode, text).toThrow(expect.objectContaining({ code: 'PROTOCOL' }));
    }
  });
});

function randomCommand(int: (below: number) => number, at: number): LockCommand {
  const holder = { nodeId: ['a', 'b', 'c'][int(3)] as string, incarnation: 1 + int(2) };
  const claims = [1, 2, 3].map(() => int(at + 1));
  const kind = int(10);
  if (kind === 0) return { type: 'expire' };
  if (kind < 3) return { type: 'release', holder, claims };
  if (kind < 5) return { type: 'renew', holder, claims };
  const [name, share] = [
    ['x', EXCLUSIVE],
    ['rw', { kind: 'read' }],
    ['rw', { kind: 'write' }],
    ['s', { kind: 'permit', permits: 2 }],
  ][int(4)] as [string, LockShare];
  return { type: 'acquire', holder, claim: at, name, share, ttlMs: 1 + int(500), waits: int(4) > 0 };
}
