import { isClusterError } from '@quorate/core';
import { seededRandom } from '@quorate/simulator';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Message } from '../../src/protocol/messages.ts';
import { messageBytes, packetBytes } from '../../src/protocol/packet-codec.ts';
import { DEFAULT_SETTINGS, type SwimSettings } from '../../src/protocol/settings.ts';
import { Swim } from '../../src/protocol/swim.ts';
import type { StateOfMember, SwimHost } from '../../src/protocol/types.ts';
import { packet, state } from './arbitraries.ts';

const FROM = { host: 'h', port: 1 };

function machine(host: Partial<SwimHost> = {}, settings: Partial<SwimSettings> = {}): Swim {
  const whole: SwimHost = {
    send: () => undefined,
    probeStream: () => undefined,
    changed: () => undefined,
    conflict: () => undefined,
    refused: () => undefined,
    rumour: () => ({ isNews: true }),
    loopDelayMs: () => 0,
    leaveAcknowledged: () => undefined,
    ...host,
  };
  const self = { node: { id: 'self', host: 'self.test', port: 1 }, incarnation: 1 };
  const random = seededRandom(1, 'bounds');
  const swim = new Swim({ settings: { ...DEFAULT_SETTINGS, ...settings }, self, random, host: whole });
  swim.start(0);
  return swim;
}

function member(id: string): StateOfMember {
  const node = { id, host: `${id}.test`, port: 1 };
  const address = { host: node.host, port: 1 };
  return { id, node, address, state: 'alive', incarnation: 1, epoch: 0, refutation: 0, joinOrder: 1 };
}

describe('bounds', () => {
  it('whatever comes, nothing is thrown, no packet is too long, and this node stays alive for itself', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ packet, states: fc.array(state, { maxLength: 3 }), ms: fc.nat({ max: 900 }) }), {
          maxLength: 12,
        }),
        (steps) => {
          let longest = 0;
          const swim = machine({
            send: (_, sent) => {
              longest = Math.max(longest, packetBytes(sent));
            },
          });
          let now = 0;
          for (const step of steps) {
            now += step.ms;
            while (swim.nextTickAt <= now) swim.tick(Math.max(0, swim.nextTickAt));
            swim.receive(step.packet, FROM, now);
            swim.merge(step.states, step.packet.sender, now);
          }
          expect(swim.members.get('self')?.state).toBe('alive');
          expect(longest).toBeLessThanOrEqual(DEFAULT_SETTINGS.maxPacketBytes);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('a member beyond the most that are known is refused by name', () => {
    const refused: string[] = [];
    const swim = machine({ refused: (reason, id) => refused.push(`${reason} ${id}`) }, { maxMembers: 3 });
    swim.merge(['b', 'c', 'd'].map(member), 'b', 1);
    expect([...swim.members.keys()].sort()).toEqual(['b', 'c', 'self']);
    expect(refused).toEqual(['too-many-members d']);
  });

  it('of thousands that one other asks about only so many are looked at', () => {
    const probed: string[] = [];
    const swim = machine({ probeStream: ({ id }) => probed.push(id) });
    const all = Array.from({ length: 4000 }, (_, at) => member(`n${at}`));
    swim.merge(all, 'n0', 1);
    const ask = (id: string, now: number): void => {
      const version = { epoch: 0, run: 1, refutation: 0 };
      const question = { type: 'suspect', id, ...version, by: 'n0', evidence: 'silent', aside: 'question' } as const;
      swim.receive({ sender: 'n0', run: 1, messages: [question] }, FROM, now);
    };
    for (const { id } of all) ask(id, 1);
    expect(probed.length).toBeGreaterThan(0);
    expect(probed.length).toBeLessThanOrEqual(64);
    // When these looks are over there is room for others.
    while (swim.nextTickAt <= 600) swim.tick(swim.nextTickAt);
    const before = probed.length;
    ask('n3999', 601);
    expect(probed.slice(before)).toContain('n3999');
  });

  it('one packet is not answered by hundreds', () => {
    const question = {
      type: 'suspect',
      id: 'c',
      epoch: 0,
      run: 1,
      refutation: 0,
      by: 'b',
      evidence: 'silent',
    } as const;
    const requests: Message[] = [
      { type: 'ping', sequence: 1, target: 'self' },
      { type: 'ping-request', sequence: 1, target: 'c', run: 1, address: FROM },
      { type: 'leave', sequence: 1 },
      { type: 'introduce' },
      { ...question, aside: 'question' },
    ];
    const answersTo = (messages: readonly Message[]): number => {
      let sent = 0;
      const swim = machine({ send: () => (sent += 1) });
      swim.merge([member('b'), { ...member('c'), refutation: 1 }], 'b', 1);
      swim.tick(60);
      sent = 0;
      swim.receive({ sender: 'b', run: 1, messages }, FROM, 61);
      return sent;
    };
    for (const request of requests) {
      expect([request.type, answersTo([request])]).toEqual([request.type, 1]);
      expect([request.type, answersTo(Array.from({ length: 256 }, () => request))]).toEqual([request.type, 1]);
    }
    expect(answersTo(requests)).toBe(requests.length);
  });

  it('who has been gone for longest makes way for a member', () => {
    const swim = machine({}, { maxMembers: 3 });
    swim.merge([{ ...member('b'), state: 'left' }], 'x', 1);
    swim.merge([{ ...member('c'), state: 'unreachable' }], 'x', 2);
    swim.merge([member('d')], 'x', 3);
    expect([...swim.members.keys()].sort()).toEqual(['c', 'd', 'self']);
  });

  // By looking through all of them for each, either takes many times as long.
  it('of 20,000 members, thousands make way for others or are forgotten in no time', { timeout: 5000 }, () => {
    const forgotten: string[] = [];
    const swim = machine(
      { changed: ({ type, member: { id } }) => (type === 'forgotten' ? forgotten.push(id) : undefined) },
      { maxMembers: 20_000, maxQueuedRumours: 10 },
    );
    const all = Array.from({ length: 19_999 }, (_, at): StateOfMember => {
      return at % 2 === 0 ? member(`n${at}`) : { ...member(`n${at}`), state: 'left' };
    });
    swim.merge(all, 'x', 1);
    swim.merge(
      Array.from({ length: 2000 }, (_, at): StateOfMember => ({ ...member(`m${at}`), state: 'left' })),
      'x',
      2,
    );
    expect(forgotten.filter((id) => id.startsWith('n'))).toHaveLength(2000);
    const lookMs = DEFAULT_SETTINGS.forgetAfterMs / 4;
    for (let look = 1; look <= 5; look += 1) swim.tick(look * lookMs);
    expect(new Set(forgotten)).toHaveProperty('size', 11_999);
    expect(swim.members.size).toBe(10_001);
  });

  it('a description that is too long is refused, and the option named', () => {
    const node = { id: 'self', host: 'self.test', port: 1, metadata: { much: 'x'.repeat(1100) } };
    const refusal = catchError(() => machine().describe(node, 1));
    expect(isClusterError(refusal, 'INVALID_OPTIONS')).toBe(true);
    expect(String(refusal)).toContain('metadata');
    expect(
      isClusterError(
        catchError(() => machine().spread(128, new Uint8Array(513), 1)),
        'INVALID_OPTIONS',
      ),
    ).toBe(true);
  });

  it('no more rumours of users wait than may', () => {
    const swim = machine();
    const taken = Array.from({ length: 600 }, (_, at) => swim.spread(128, new Uint8Array([at % 256]), 1));
    expect(taken.filter(Boolean)).toHaveLength(512);
  });

  it('a rumour of a user is sent in its own time: the tick for it is not late, and so no pause of this node', () => {
    const swim = machine();
    for (let tick = 0; tick < 3; tick += 1) swim.tick(swim.nextTickAt);
    // As long after the last call as can be.
    const now = swim.nextTickAt - 1;
    swim.spread(128, new Uint8Array(1), now);
    expect(swim.nextTickAt).toBeGreaterThanOrEqual(now);
    swim.tick(now);
    expect(swim.stats.pauses).toBe(0);
  });

  it('a node that nobody answered yet is nobody: it takes its place after those that it met', () => {
    const swim = machine();
    expect(swim.self.joinOrder).toBe(0);
    swim.merge([{ ...member('b'), joinOrder: 7 }], 'b', 1);
    swim.tick(60);
    expect(swim.self.joinOrder).toBe(8);
  });

  it('a node that has met others takes its place with the next thing that it is called for, though no tick comes', () => {
    const swim = machine();
    swim.merge([{ ...member('b'), joinOrder: 7 }], 'b', 1);
    swim.merge([], 'b', 49);
    expect(swim.self.joinOrder).toBe(0);
    swim.merge([], 'b', 51);
    expect(swim.self.joinOrder).toBe(8);
  });

  it('the longest of messages fits a packet, and is sent soon however many rumours of users wait', () => {
    const metadata = { key: 'x'.repeat(985) };
    const long = { ...member('b'), node: { ...member('b').node, metadata } };
    expect(messageBytes({ type: 'alive', member: long })).toBeLessThan(DEFAULT_SETTINGS.maxPacketBytes - 200);
    const sent: Message[][] = [];
    const swim = machine({ send: (_, { messages }) => sent.push([...messages]) });
    swim.merge([{ ...member('c'), joinOrder: 7 }], 'c', 1);
    swim.tick(60);
    for (let at = 0; at < 600; at += 1) swim.spread(128, new Uint8Array(at % 513), 60);
    swim.receive({ sender: 'c', run: 1, messages: [{ type: 'alive', member: long }] }, FROM, 61);
    sent.length = 0;
    const isThere = (messages: readonly Message[]): boolean =>
      messages.some((each) => each.type === 'alive' && each.member === long);
    for (let now = 61; sent.length < 10; now += 10) while (swim.nextTickAt <= now) swim.tick(swim.nextTickAt);
    expect(sent.findIndex(isThere)).toBeLessThan(4);
    expect(sent.findIndex(isThere)).toBeGreaterThanOrEqual(0);
  });
});

function catchError(run: () => unknown): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    return error;
  }
}
