import { Keyring, messageKind } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { seededRandom } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';

import { DatagramSeal, type DatagramSealOptions } from '../src/datagram/datagram-seal.ts';
import type { Party } from '../src/datagram/party.ts';
import { swimStats } from '../src/index.ts';
import { encodePacket } from '../src/protocol/packet-codec.ts';
import { SwimNodes } from './swim-nodes.ts';

const TIMES = 20;
const { crypto } = nodeSystem();
const SECRET = new Keyring({ use: 'what only the tests know' });

/** Seals as the nodes do, unless told otherwise; always in the same session. */
function sealOf(options: Partial<DatagramSealOptions> = {}): DatagramSeal {
  const random = seededRandom('stranger', 'seal');
  const base = { clock: { now: () => 0 }, crypto, random, keyring: SECRET, maxSessions: 8, accepts: () => true };
  return new DatagramSeal({ ...base, clusterName: 'default', self: { id: 'c', run: 1 }, ...options });
}

const many = (make: () => Uint8Array): readonly Uint8Array[] => Array.from({ length: TIMES }, make);
const noPacket = Uint8Array.of(0xff, 1, 2);
const packetOf = ({ id, run }: Party) => encodePacket({ sender: id, run, messages: [{ type: 'nack', sequence: 1 }] });

/** Sealed with these options for `a`, and sent to it; each is another datagram. */
const sealed = (options: Partial<DatagramSealOptions>, payload: Uint8Array = noPacket) => {
  const seal = sealOf(options);
  return (a: Party) => many(() => seal.seal(a, payload));
};
/** As sealed, and one byte of each set. */
const changed = (at: number, to: (byte: number) => number) => {
  const seal = sealOf();
  const change = (datagram: Uint8Array) => datagram.with(at, to(datagram.at(at) ?? 0));
  return (a: Party) => many(() => change(seal.seal(a, noPacket)));
};

/** Two senders in one session: the second is refused. */
function ofTwoSenders(a: Party): readonly Uint8Array[] {
  const first = sealOf({ self: { id: 'c', run: 1 } }).seal(a, packetOf({ id: 'c', run: 1 }));
  const second = sealOf({ self: { id: 'd', run: 1 } });
  second.seal(a, noPacket);
  return [first, ...many(() => second.seal(a, noPacket))];
}

/** The last of many first. */
function belated(a: Party): readonly Uint8Array[] {
  const seal = sealOf();
  const own = packetOf({ id: 'c', run: 1 });
  const early = many(() => seal.seal(a, own));
  for (let count = 0; count < 1100; count += 1) seal.seal(a, own);
  return [seal.seal(a, own), ...early];
}

/** Two nodes with the secret; `a` is sent these by a stranger, and tells what it makes of them. */
async function refusalsOf(seed: string, make: (a: Party) => readonly Uint8Array[]) {
  const nodes = new SwimNodes(seed);
  nodes.start(['a', 'b']);
  await nodes.agree(['a', 'b']);
  const { membership } = nodes.cluster('a');
  const told: string[] = [];
  nodes.cluster('a').on('datagramRefused', ({ remote, error }) => {
    told.push(`${error.code} ${remote.port} ${error.message.replace(/^.*?: /u, '')}`);
  });
  const stranger = nodes.world.host('stranger');
  const datagrams = make({ id: 'a', run: membership.view.members.get('a')?.incarnation ?? 0 });
  stranger.start(async ({ net, clock }) => {
    const socket = await net.bindDatagram({ host: stranger.address, port: 9 }, () => undefined);
    const [first, ...others] = datagrams.map((datagram) => () => {
      socket.send(datagram, { host: nodes.host('a').address, port: 7000 });
    });
    first?.();
    // They overtake each other, and not that one.
    clock.setTimer(10, () => others.forEach((send) => send()));
  });
  await nodes.world.run(3000);
  const logged = nodes.world.trace.text().match(/refused a (?:datagram|packet) from/gu)?.length ?? 0;
  const { refused } = swimStats(membership)?.datagrams ?? {};
  return { told, logged, refused, seen: nodes.seen('a').join() };
}

describe('a datagram that is refused', () => {
  const secretOfOthers = new Keyring({ use: 'what only the tests guess' });
  it.each([
    ['not-ours', 'it is none of a Quorate cluster', changed(0, () => 0)],
    ['version', 'it is of another version of the format', changed(2, (version) => version + 1)],
    ['protection', 'of the two sides one has a secret and the other has none', sealed({ keyring: undefined })],
    [
      'unknown-key',
      'its secret is not accepted here, or its cluster has another name',
      sealed({ keyring: secretOfOthers }),
    ],
    [
      'unknown-key',
      'its secret is not accepted here, or its cluster has another name',
      sealed({ clusterName: 'other' }),
    ],
    ['altered', 'it is not as its sender made it', changed(-1, (byte) => byte ^ 1)],
    ['sender', 'its sender is not the one that its session belongs to', ofTwoSenders],
    ['unreadable', 'it cannot be read, and is of another version, perhaps', sealed({})],
    ['unreadable', 'it cannot be read, and is of another version, perhaps', sealed({}, packetOf({ id: 'b', run: 1 }))],
  ])('as %s is counted each time, and logged and told once in five seconds: %s', async (reason, why, make) => {
    const { told, logged, refused, seen } = await refusalsOf(`told ${reason}`, make);
    expect(told).toEqual([`REFUSED 9 ${why}`]);
    expect([logged, refused, seen]).toEqual([1, { [reason]: TIMES }, 'a,b']);
  });

  it.each([
    ['misaddressed', ({ id, run }: Party) => sealed({})({ id, run: run - 1 })],
    ['stale', sealed({ self: { id: 'b', run: 0 } })],
    ['too-old', belated],
  ])('as %s is an accident, which is counted and not told', async (reason, make) => {
    const { told, logged, refused } = await refusalsOf(`untold ${reason}`, make);
    expect([told, logged, refused]).toEqual([[], 0, { [reason]: TIMES }]);
  });

  it('is told, too, when it comes over the transport and cannot be read', async () => {
    const nodes = new SwimNodes('over the transport');
    nodes.start(['a', 'b'], { datagrams: 'transport' });
    await nodes.agree(['a', 'b']);
    const told: unknown[] = [];
    nodes.cluster('a').on('datagramRefused', (refused) => told.push(refused));
    for (let times = 0; times < TIMES; times += 1) {
      nodes.cluster('b').transport.send('a', messageKind.GOSSIP, noPacket);
    }
    await nodes.world.run(3000);
    const remote = { host: nodes.host('b').address, port: 7000 };
    expect(told).toEqual([{ remote, error: expect.objectContaining({ code: 'REFUSED' }) as unknown }]);
    expect(swimStats(nodes.cluster('a').membership)?.datagrams.refused).toEqual({ unreadable: TIMES });
  });
});
