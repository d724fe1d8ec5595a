import { Keyring } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { seededRandom } from '@quorate/simulator';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { DatagramSeal, type DatagramSealOptions, type OpenedDatagram } from '../src/datagram/datagram-seal.ts';
import { BURST } from '../src/datagram/failed-openings.ts';
import type { Party } from '../src/datagram/party.ts';

const { crypto } = nodeSystem();
const OLD = 'the secret of yesterday';
const NEW = 'the secret of tomorrow!';
const a: Party = { id: 'a', run: 3 };
const b: Party = { id: 'node-b', run: 2 ** 47 + 5 };
const payload = Uint8Array.from([1, 2, 3, 250]);
const HERE = '127.0.0.1:7001';

function sealOf(self: Party, options: Partial<DatagramSealOptions> = {}): DatagramSeal {
  const random = seededRandom(JSON.stringify(self), 'seal');
  const keyring = new Keyring({ use: OLD });
  let now = 0;
  // So much time goes by that nothing is too much.
  const clock = { now: () => (now += 1) };
  const base = { clock, crypto, random, clusterName: 'test', keyring, self, maxSessions: 8, accepts: () => true };
  return new DatagramSeal({ ...base, ...options });
}

const reason = (opened: OpenedDatagram): string => ('refused' in opened ? opened.refused : 'opened');
const protections = [
  ['sealed', () => new Keyring({ use: OLD })],
  ['with a checksum', () => undefined],
] as const;

describe.each(protections)('datagrams %s', (_, keyring) => {
  it('open to what was sealed, and name the sender and its run', () => {
    const [from, to] = [sealOf(a, { keyring: keyring() }), sealOf(b, { keyring: keyring() })];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1_300 }), (bytes) => {
        const datagram = from.seal(b, bytes);
        expect(datagram.length).toBe(bytes.length + from.overheadBytes);
        expect(to.open(datagram, HERE)).toEqual({ from: a, payload: bytes });
      }),
    );
  });

  it('are refused when any bit is flipped, and are still good as they were', () => {
    const [from, to] = [sealOf(a, { keyring: keyring() }), sealOf(b, { keyring: keyring() })];
    const datagram = from.seal(b, payload);
    for (let bit = 0; bit < datagram.length * 8; bit += 1) {
      const altered = Uint8Array.from(datagram);
      altered[bit >>> 3] = (altered[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      expect(reason(to.open(altered, HERE)), `bit ${bit}`).not.toBe('opened');
    }
    expect(reason(to.open(datagram, HERE))).toBe('opened');
  });

  it('are refused in part, and random bytes are', () => {
    const [from, to] = [sealOf(a, { keyring: keyring() }), sealOf(b, { keyring: keyring() })];
    const datagram = from.seal(b, payload);
    for (let length = 0; length < datagram.length; length += 1) {
      expect(reason(to.open(datagram.subarray(0, length), HERE))).not.toBe('opened');
    }
    const any = fc.uint8Array({ maxLength: 200 });
    fc.assert(fc.property(any, (tail) => reason(to.open(tail, HERE)) !== 'opened'));
    // Behind a header that is right.
    const head = datagram.subarray(0, 26);
    fc.assert(fc.property(any, (tail) => reason(to.open(Uint8Array.from([...head, ...tail]), HERE)) !== 'opened'));
  });

  it('are refused by another cluster, another node and another run of it', () => {
    const from = sealOf(a, { keyring: keyring() });
    const refusal = (self: Party, clusterName: string) =>
      reason(sealOf(self, { keyring: keyring(), clusterName }).open(from.seal(b, payload), HERE));
    expect(refusal(b, 'test')).toBe('opened');
    expect(refusal(b, 'tes')).toBe('unknown-key');
    expect(refusal({ id: 'node-c', run: b.run }, 'test')).toBe('misaddressed');
    expect(refusal({ id: b.id, run: b.run + 1 }, 'test')).toBe('misaddressed');
  });

  it('are refused when they come again, in whatever order, and none is refused that comes in time', () => {
    const order = fc.shuffledSubarray(Array.from({ length: 300 }, (_, at) => at));
    fc.assert(
      fc.property(order, (arrivals) => {
        const [from, to] = [sealOf(a, { keyring: keyring() }), sealOf(b, { keyring: keyring() })];
        const datagrams = Array.from({ length: 300 }, () => from.seal(b, payload));
        const sent = arrivals.map((at) => datagrams[at] as Uint8Array);
        expect(new Set(sent.map((datagram) => reason(to.open(datagram, HERE))))).toEqual(
          new Set(arrivals.length === 0 ? [] : ['opened']),
        );
        expect(sent.every((datagram) => reason(to.open(datagram, HERE)) === 'replayed')).toBe(true);
      }),
      { numRuns: 10 },
    );
  });

  it('are refused when they are late by more than the window', () => {
    const [from, to] = [sealOf(a, { keyring: keyring() }), sealOf(b, { keyring: keyring() })];
    const datagrams = Array.from({ length: 1_100 }, () => from.seal(b, payload));
    const open = (at: number) => reason(to.open(datagrams[at] as Uint8Array, HERE));
    expect([open(1_099), open(75), open(76), open(1_098), open(76)]).toEqual([
      'opened',
      'too-old',
      'opened',
      'opened',
      'replayed',
    ]);
  });

  it('are refused from a run that may not be heard any more', () => {
    let current = a.run;
    const to = sealOf(b, { keyring: keyring(), accepts: ({ run }) => run >= current });
    const from = sealOf(a, { keyring: keyring() });
    expect(reason(to.open(from.seal(b, payload), HERE))).toBe('opened');
    current += 1;
    expect(reason(to.open(from.seal(b, payload), HERE))).toBe('stale');
    expect(reason(to.open(sealOf({ id: 'a', run: current }, { keyring: keyring() }).seal(b, payload), HERE))).toBe(
      'opened',
    );
  });

  it('keep a bounded number of sessions: the one silent for longest is forgotten', () => {
    const to = sealOf(b, { keyring: keyring(), maxSessions: 2 });
    const from = ['a', 'c', 'd'].map((id) => sealOf({ id, run: 1 }, { keyring: keyring() }));
    const [first, second, third] = from.map((seal) => seal.seal(b, payload)) as [Uint8Array, Uint8Array, Uint8Array];
    expect([first, second, third].map((datagram) => reason(to.open(datagram, HERE)))).toEqual([
      'opened',
      'opened',
      'opened',
    ]);
    expect(reason(to.open(second, HERE))).toBe('replayed');
    expect(reason(to.open(first, HERE))).toBe('opened');
  });

  it('are refused when a session is suddenly of another sender', () => {
    const same = { next: () => 0, int: () => 7, bytes: (length: number) => new Uint8Array(length) };
    const to = sealOf(b, { keyring: keyring() });
    const [one, other] = [a, { id: 'z', run: 1 }].map((self) => sealOf(self, { keyring: keyring(), random: same }));
    expect(reason(to.open((one as DatagramSeal).seal(b, payload), HERE))).toBe('opened');
    (other as DatagramSeal).seal(b, payload);
    expect(reason(to.open((other as DatagramSeal).seal(b, payload), HERE))).toBe('sender');
  });
});

describe('secrets of datagrams', () => {
  it('are replaced in three steps without a gap, and then the old one is refused', () => {
    const rings = [new Keyring({ use: OLD }), new Keyring({ use: OLD })] as const;
    const [x, y] = [sealOf(a, { keyring: rings[0] }), sealOf(b, { keyring: rings[1] })];
    const both = () => [reason(y.open(x.seal(b, payload), HERE)), reason(x.open(y.seal(a, payload), HERE))];
    const steps = [{ use: OLD, accept: [NEW] }, { use: NEW, accept: [OLD] }, { use: NEW }];
    for (const step of steps) {
      for (const ring of rings) {
        ring.change(step);
        expect(both()).toEqual(['opened', 'opened']);
      }
    }
    expect(reason(y.open(sealOf(a).seal(b, payload), HERE))).toBe('unknown-key');
  });

  it('are needed: what is in clear is refused by who has one, and what is sealed by who has none', () => {
    const clear = sealOf(a, { keyring: undefined });
    expect(reason(sealOf(b).open(clear.seal(b, payload), HERE))).toBe('protection');
    expect(reason(sealOf(b, { keyring: undefined }).open(sealOf(a).seal(b, payload), HERE))).toBe('protection');
  });

  it('that are forged by the thousand are opened up to a bound, and those of who is known where he was are opened all the same', () => {
    let [now, opened] = [0, 0];
    const open: typeof crypto.open = (...given) => {
      opened += 1;
      return crypto.open(...given);
    };
    const to = sealOf(b, { clock: { now: () => now }, crypto: { ...crypto, open } });
    const [known, newcomer] = [sealOf(a), sealOf({ id: 'c', run: 1 })];
    expect(reason(to.open(known.seal(b, payload), HERE))).toBe('opened');
    const genuine = known.seal(b, payload);
    const forge = (at: number): string => {
      const forged = genuine.slice();
      // Another session, of which there is no key yet.
      new DataView(forged.buffer).setUint32(12, at);
      return reason(to.open(forged, '127.0.0.1:9'));
    };
    const reasons = Array.from({ length: 5000 }, (_, at) => forge(at));
    expect([opened, reasons.indexOf('flooded'), reasons.at(-1)]).toEqual([1 + BURST, BURST, 'flooded']);
    const again = newcomer.seal(b, payload);
    expect(reason(to.open(again, '127.0.0.1:8'))).toBe('flooded');
    expect(reason(to.open(genuine, '127.0.0.1:9'))).toBe('flooded');
    expect(reason(to.open(genuine, HERE))).toBe('opened');
    now += 1;
    expect(reason(to.open(again, '127.0.0.1:8'))).toBe('opened');
  });

  it('that are forged in the name of a known sender keep newcomers out no longer than they come', () => {
    let now = 0;
    const to = sealOf(b, { clock: { now: () => now } });
    const [known, newcomer] = [sealOf(a), sealOf({ id: 'c', run: 1 })];
    expect(reason(to.open(known.seal(b, payload), HERE))).toBe('opened');
    const altered = known.seal(b, payload);
    altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1;
    for (let at = 0; at < 5 * BURST; at += 1) expect(reason(to.open(altered, HERE))).toBe('altered');
    expect(reason(to.open(newcomer.seal(b, payload), '127.0.0.1:8'))).toBe('flooded');
    now += 1;
    expect(reason(to.open(newcomer.seal(b, payload), '127.0.0.1:8'))).toBe('opened');
  });

  it('hide what is sent', () => {
    const secretive = new TextEncoder().encode('something that nobody may read');
    const text = (seal: DatagramSeal) => new TextDecoder('latin1').decode(seal.seal(b, secretive));
    expect(text(sealOf(a))).not.toContain('nobody');
    expect(text(sealOf(a, { keyring: undefined }))).toContain('nobody');
  });
});
