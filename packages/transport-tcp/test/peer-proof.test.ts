import { type Clock, Keyring, type SecuredStream } from '@quorate/core';
import { createWorld, type World } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';

import type { FrameOf } from '../src/frame.ts';
import { PeerProof, type Role } from '../src/peer-proof.ts';
import { StreamKeys } from '../src/stream-keys.ts';
import { realSystem } from './harness.ts';

const [OLD, NEW] = ['the old secret of tests', 'the new secret of tests'];

interface Side extends Disposable {
  readonly keyring: Keyring;
  readonly proof: PeerProof;
  readonly sent: FrameOf<'AUTH'>[];
  readonly refused: string[];
}

/** One side of the connection of that name; both know both secrets. */
function sideOf(connection: string, role: Role, clock: Clock = realSystem.clock): Side {
  const keyring = new Keyring({ use: OLD, accept: [NEW] });
  const keys = new StreamKeys(realSystem.crypto, keyring, 'test');
  const { identity } = keys.use();
  const binding = new Uint8Array(32).fill(connection.charCodeAt(0));
  const secured: SecuredStream = {
    peer: { type: 'shared-key', identity },
    exportSecret: () => binding,
    objection: () => undefined,
  };
  const sent: FrameOf<'AUTH'>[] = [];
  const refused: string[] = [];
  const send = (frame: FrameOf<'AUTH'>) => void sent.push(frame);
  const refuse = (why: string) => void refused.push(why);
  const parts = { clock, crypto: realSystem.crypto, keys, secured, role, send, refuse };
  const proof = new PeerProof(parts, identity);
  return { keyring, proof, sent, refused, [Symbol.dispose]: () => proof[Symbol.dispose]() };
}

/** What that side shows once it uses the new secret. */
function shownBy({ keyring, proof, sent }: Side): { readonly key: string; readonly proof: string } {
  keyring.change({ use: NEW, accept: [OLD] });
  proof.changed();
  return sent[0]?.detail as { readonly key: string; readonly proof: string };
}

describe('a proof', () => {
  it('is taken by the other side of its connection', () => {
    using a = sideOf('x', 'dialler');
    using b = sideOf('x', 'acceptor');
    b.proof.received(shownBy(a));
    b.keyring.change({ use: NEW });
    b.proof.changed();
    expect([a.sent.length, b.sent.length, b.refused]).toEqual([1, 1, []]);
  });

  it.each<[string, () => Side, () => Side]>([
    ['of another connection', () => sideOf('x', 'dialler'), () => sideOf('y', 'acceptor')],
    ['of the receiver itself, sent back', () => sideOf('x', 'acceptor'), () => sideOf('x', 'acceptor')],
  ])('%s is refused', (_, from, to) => {
    using sender = from();
    using receiver = to();
    receiver.proof.received(shownBy(sender));
    expect(receiver.refused).toEqual(['it has not shown that it has the secret that it names']);
  });

  it('of another secret under the name of an accepted one is refused', () => {
    using a = sideOf('x', 'dialler');
    using b = sideOf('x', 'acceptor');
    b.proof.received({ ...shownBy(a), proof: '0'.repeat(64) });
    expect(b.refused).toHaveLength(1);
  });

  it.each([
    undefined,
    7,
    {},
    { key: 1, proof: 2 },
    { key: 'x'.repeat(1000), proof: '0'.repeat(64) },
    { key: 'x', proof: 'y' },
  ])('that is none is refused: %j', (detail) => {
    using b = sideOf('x', 'acceptor');
    b.proof.received(detail);
    expect(b.refused).toEqual(['it has sent a proof that is none']);
  });

  it('of a secret that is not known yet is not held against the peer', () => {
    using a = sideOf('x', 'dialler');
    using b = sideOf('x', 'acceptor');
    b.keyring.change({ use: OLD });
    b.proof.received(shownBy(a));
    expect(b.refused).toEqual([]);
  });
});

describe('a secret that is taken back', () => {
  it('and accepted again has been shown already', async () => {
    const world = createWorld({ seed: 'taken back' });
    using a = sideOf('x', 'dialler');
    using b = sideOf('x', 'acceptor', await clockOf(world));
    b.proof.received(shownBy(a));
    // Taken back, then once more to be replaced: the other has used the new one all the time.
    for (const secrets of [{ use: OLD }, { use: NEW, accept: [OLD] }, { use: NEW }]) {
      b.keyring.change(secrets);
      b.proof.changed();
    }
    await world.run(10_000);
    expect([a.sent.length, b.refused]).toEqual([1, []]);
  });

  it('ends the connection of who has shown no other, once the grace is over', async () => {
    const world = createWorld({ seed: 'grace' });
    using b = sideOf('x', 'acceptor', await clockOf(world));
    b.keyring.change({ use: NEW });
    b.proof.changed();
    await world.run(4900);
    expect(b.refused).toEqual([]);
    await world.run(200);
    expect(b.refused).toEqual(['its secret is no longer accepted here']);
  });
});

async function clockOf(world: World): Promise<Clock> {
  const host = world.host('b');
  host.start(() => Promise.resolve());
  await world.run(1);
  return host.system.clock;
}

describe('keys', () => {
  const identityOf = (secret: string, cluster: string) =>
    new StreamKeys(realSystem.crypto, new Keyring({ use: secret }), cluster).use();

  it('differ by secret and by cluster, and so do their names, which tell the cluster apart', () => {
    const [one, same, other, elsewhere] = [
      identityOf(OLD, 'test'),
      identityOf(OLD, 'test'),
      identityOf(NEW, 'test'),
      identityOf(OLD, 'production'),
    ];
    expect(one).toEqual(same);
    expect(new Set([one, other, elsewhere].map(({ key }) => key.join())).size).toBe(3);
    expect(new Set([one, other, elsewhere].map(({ identity }) => identity)).size).toBe(3);
    expect(one.identity.split('.')[0]).toBe(other.identity.split('.')[0]);
    expect(one.identity.split('.')[0]).not.toBe(elsewhere.identity.split('.')[0]);
    expect(one.key).toHaveLength(32);
  });

  it('are those written down in docs/wire-protocol.md', () => {
    const { identity, key } = identityOf('correct horse battery staple', 'orders');
    expect([identity, Buffer.from(key).toString('hex')]).toEqual([
      '764d48db.cb3b91f7b84630c0',
      '6390d3cda189188fa43676e4e4846f5aa29a4522490c88dadcc334999751a903',
    ]);
  });
});
