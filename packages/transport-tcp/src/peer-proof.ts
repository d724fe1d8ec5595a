import type { Clock, Crypto, SecuredStream, Timer } from '@quorate/core';
import type { FrameOf } from './frame.ts';
import { asRecord } from './introduction.ts';
import type { StreamKeys } from './stream-keys.ts';

export type Role = 'dialler' | 'acceptor';

export interface ProofParts {
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly keys: StreamKeys;
  readonly secured: SecuredStream;
  /** Of this side. */
  readonly role: Role;
  readonly send: (frame: FrameOf<'AUTH'>) => void;
  /** The connection is to end: this is why. */
  readonly refuse: (why: string) => void;
}

/** How long a peer may have shown only secrets that are no longer accepted. */
const GRACE_MS = 5000;
const BINDING_BYTES = 32;
/** More than a keyring holds. */
const MAX_SHOWN = 64;
const MAX_IDENTITY_LENGTH = 128;
const PROOF_TEXT = /^[0-9a-f]{64}$/u;

/**
 * Which secrets the two sides of a connection have shown each other. The handshake shows one; when a keyring changes, each
 * side shows the one that it uses then, over the connection that stands, so that secrets are replaced without reconnecting.
 * A proof is bound to its connection and its side: it can't be sent elsewhere, nor back.
 */
export class PeerProof implements Disposable {
  readonly #parts: ProofParts;
  readonly #binding: Uint8Array;
  /** What this side has last shown. */
  #mine: string;
  /** What the peer has shown, the latest last. What isn't accepted any more may be so again, and isn't shown again. */
  #shown: readonly string[];
  /** The last proof of a secret that isn't known here: it may become known. */
  #early: { readonly identity: string; readonly proof: string } | undefined;
  #deadline: Timer | undefined;

  constructor(parts: ProofParts, identity: string) {
    this.#parts = parts;
    this.#binding = parts.secured.exportSecret('proof', BINDING_BYTES);
    this.#mine = identity;
    this.#shown = [identity];
  }

  [Symbol.dispose](): void {
    this.#deadline?.cancel();
  }

  /** Called when the keyring has changed, and once when the connection stands. */
  changed(): void {
    const { keys, role, send } = this.#parts;
    const { identity } = keys.use();
    const early = this.#early;
    if (identity !== this.#mine) {
      this.#mine = identity;
      send({ type: 'AUTH', detail: { key: identity, proof: this.#proof(identity, role) } });
    }
    if (early !== undefined) this.#take(early.identity, early.proof);
    else this.#judge();
  }

  /** The peer has shown something. */
  received(detail: unknown): void {
    const { key, proof } = asRecord(detail);
    const isProof = typeof key === 'string' && typeof proof === 'string' && PROOF_TEXT.test(proof);
    if (isProof && key.length <= MAX_IDENTITY_LENGTH) this.#take(key, proof);
    else this.#parts.refuse('it has sent a proof that is none');
  }

  #take(identity: string, proof: string): void {
    const expected = this.#proof(identity, this.#parts.role === 'dialler' ? 'acceptor' : 'dialler');
    this.#early = expected === undefined ? { identity, proof } : undefined;
    if (expected !== undefined && !this.#areEqual(expected, proof)) {
      this.#parts.refuse('it has not shown that it has the secret that it names');
      return;
    }
    if (expected !== undefined) this.#remember(identity);
    this.#judge();
  }

  #remember(identity: string): void {
    const others = this.#shown.filter((shown) => shown !== identity);
    this.#shown = [...others, identity].slice(-MAX_SHOWN);
  }

  #judge(): void {
    const { clock, keys, refuse } = this.#parts;
    if (this.#shown.some((identity) => keys.isAccepted(identity))) {
      this.#deadline?.cancel();
      this.#deadline = undefined;
    } else {
      this.#deadline ??= clock.setTimer(GRACE_MS, () => refuse('its secret is no longer accepted here'));
    }
  }

  #proof(identity: string, role: Role): string | undefined {
    const statement = new TextEncoder().encode(`${role} `);
    const bound = new Uint8Array([...statement, ...this.#binding]);
    const proof = this.#parts.keys.prove(identity, bound);
    return proof && Array.from(proof, (byte) => byte.toString(16).padStart(2, '0')).join('');
  }

  #areEqual(a: string, b: string): boolean {
    const encoder = new TextEncoder();
    return this.#parts.crypto.isEqual(encoder.encode(a), encoder.encode(b));
  }
}
