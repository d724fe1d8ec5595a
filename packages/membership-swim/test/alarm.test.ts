import { type Address, Keyring, type Net } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { createWorld, seededRandom } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';

import { Alarm } from '../src/alarm.ts';
import { DatagramSeal } from '../src/datagram/datagram-seal.ts';
import { swimStats } from '../src/index.ts';
import { decodePacket } from '../src/protocol/packet-codec.ts';
import { SwimNodes } from './swim-nodes.ts';

/** An alarm in a process of a simulated machine, whose loop can stand still; times are those since it was made. */
async function alarmOnHost() {
  const world = createWorld({ seed: 'alarm' });
  const host = world.host('a');
  const rung: number[] = [];
  const made: { readonly alarm: Alarm; readonly set: (at: number) => void }[] = [];
  host.start(async ({ clock }) => {
    const begun = clock.now();
    const alarm = new Alarm(clock, () => rung.push(Math.round(clock.now() - begun)));
    made.push({ alarm, set: (at) => alarm.set(begun + at) });
  });
  await world.runUntil(() => made.length > 0, 1000);
  const [own] = made;
  if (own === undefined) throw new Error('the process did not start');
  return { world, host, rung, ...own };
}

describe('the alarm', () => {
  it('rings once, at the earliest of the times that it was set to, and not when it was cancelled', async () => {
    const { world, rung, alarm, set } = await alarmOnHost();
    set(300);
    set(100);
    set(200);
    await world.run(1000);
    expect(rung).toEqual([100]);
    set(1500);
    alarm.cancel();
    await world.run(1000);
    expect(rung).toEqual([100]);
    // What is past is due at once.
    set(700);
    await world.run(10);
    expect(rung).toEqual([100, 2000]);
  });

  it('has no delay while it rings in time', async () => {
    const { world, alarm, set } = await alarmOnHost();
    for (let at = 100; at <= 1000; at += 100) {
      set(at);
      await world.run(50);
      expect(alarm.loopDelayMs).toBe(0);
      await world.run(50);
      expect(alarm.loopDelayMs).toBeCloseTo(0, 6);
    }
  });

  it('tells how late it is while the loop stands still, and how late it was, a quarter less with each that is in time', async () => {
    const { world, host, rung, alarm, set } = await alarmOnHost();
    set(100);
    host.pause();
    await world.run(80);
    expect(alarm.loopDelayMs).toBe(0);
    await world.run(420);
    expect(alarm.loopDelayMs).toBeCloseTo(400, 3);
    host.resume();
    await world.run(0);
    expect(rung).toEqual([500]);
    const told: number[] = [];
    for (let at = 600; at <= 800; at += 100) {
      set(at);
      await world.run(100);
      told.push(Math.round(alarm.loopDelayMs));
    }
    expect(told).toEqual([300, 225, 169]);
    // A shorter one changes nothing, a longer one does.
    set(900);
    host.stall(200);
    await world.run(200);
    expect(alarm.loopDelayMs).toBeCloseTo(400 * 0.75 ** 4, 3);
    set(1100);
    host.stall(300);
    await world.run(300);
    expect(alarm.loopDelayMs).toBeCloseTo(200, 3);
  });

  it('tells nothing of a time that was cancelled', async () => {
    const { world, host, alarm, set } = await alarmOnHost();
    set(100);
    host.pause();
    await world.run(500);
    alarm.cancel();
    expect(alarm.loopDelayMs).toBe(0);
  });
});

describe('a node whose event loop stands still', () => {
  /** What a node has sent, to read it as its receiver does. */
  function recorded(net: Net, into: { readonly bytes: Uint8Array; readonly to: Address }[]): Net {
    return {
      connect: (...given) => net.connect(...given),
      listen: (...given) => net.listen(...given),
      bindDatagram: async (...given) => {
        const socket = await net.bindDatagram(...given);
        const send = (bytes: Uint8Array, to: Address) => {
          into.push({ bytes: bytes.slice(), to });
          socket.send(bytes, to);
        };
        return { address: socket.address, send, [Symbol.asyncDispose]: () => socket[Symbol.asyncDispose]() };
      },
    };
  }

  it('says with each acknowledgement how late it is, and less as it runs in time again', async () => {
    const nodes = new SwimNodes('late');
    const sent: { bytes: Uint8Array; to: Address }[] = [];
    nodes.start(['a']);
    nodes.start(['b'], {}, (_, system) => ({ system: { ...system, net: recorded(system.net, sent) } }));
    await nodes.agree(['a', 'b']);
    const { membership } = nodes.cluster('a');
    const seal = new DatagramSeal({
      clock: { now: () => 0 },
      crypto: nodeSystem().crypto,
      random: seededRandom('late', 'reader'),
      clusterName: 'default',
      keyring: new Keyring({ use: 'what only the tests know' }),
      self: { id: 'a', run: membership.view.members.get('a')?.incarnation ?? 0 },
      maxSessions: 8,
      accepts: () => true,
    });
    /** What `b` has told `a` in acknowledgements since this was asked last. */
    const lateness = (): readonly number[] =>
      sent.splice(0).flatMap(({ bytes }) => {
        const opened = seal.open(bytes, 'b');
        const messages = 'refused' in opened ? [] : (decodePacket(opened.payload)?.messages ?? []);
        return messages.flatMap((message) => (message.type === 'ack' ? [message.loopDelayMs] : []));
      });
    await nodes.world.run(5000);
    const before = lateness();
    nodes.host('b').stall(900);
    await nodes.world.run(1500);
    const [after, own] = [lateness(), swimStats(nodes.cluster('b').membership)?.loopDelayMs ?? 0];
    await nodes.world.run(10_000);
    const later = lateness();
    expect(new Set(before)).toEqual(new Set([0]));
    // It set its timer up to an interval before it stood still.
    const [first = 0] = after;
    expect(first).toBeGreaterThan(500);
    expect(first).toBeLessThan(900);
    expect(own).toBeLessThan(first);
    expect(later.at(0)).toBe(Math.round(own));
    const told = [...after, ...later];
    expect(told).toEqual(told.toSorted((one, other) => other - one));
    expect(told.at(-1)).toBe(0);
  });
});
