import {
  ClusterError,
  type Random,
  type SecuredStream,
  type SocketHandler,
  type StreamPeer,
  type StreamSecurity,
} from '@quorate/core';
import { systemCrypto } from '@quorate/core/node';

import { concatenate } from './concatenate.ts';
import type { SimulatedSocket } from './sim-socket.ts';
import { objectionToSimulated, readCertificate, type SimulatedCertificate } from './simulated-certificates.ts';

/** As the records of TLS begin, so that what doesn't speak it sees what it would see. */
const HANDSHAKE = [0x16, 0x03, 0x03];
const ALERT = Uint8Array.of(0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28);
const HEAD_BYTES = 5;
const encoder = new TextEncoder();

export interface HandshakeParts {
  readonly socket: SimulatedSocket;
  readonly security: StreamSecurity;
  readonly random: Random;
  readonly wallTime: () => number;
  /** The handshake is over: from now on the returned handler gets what arrives. */
  readonly secured: (secured: SecuredStream) => SocketHandler;
  /** It has failed. Not called when the peer has just gone away. */
  readonly failed: (error: ClusterError) => void;
  /** The connection ended before the handshake was over. */
  readonly gone: () => void;
}

/** What one end says of itself; what isn't there it has not. */
interface Said {
  readonly nonce?: unknown;
  readonly identity?: unknown;
  /** Of a shared key. */
  readonly proof?: unknown;
  readonly certificate?: unknown;
  /** The dialler's last word. */
  readonly finished?: unknown;
}

/**
 * The handshake of a secured stream: who dials speaks first, and data may follow once the answer is there, one more round
 * trip than for a plain one. Who is let in is as on real networks.
 */
export class SecureHandshake implements Disposable {
  /** What the socket calls. */
  readonly handler: SocketHandler = {
    data: (bytes) => this.#data(bytes),
    drain: () => this.#inner?.drain(),
    close: (error) => this.#closed(error),
  };
  readonly #parts: HandshakeParts;
  readonly #isDialler: boolean;
  readonly #nonce: string;
  #inner: SocketHandler | undefined;
  /** What has arrived and not been taken. */
  #pending: Uint8Array = new Uint8Array(0);
  #peer: SecuredStream | undefined;
  #isOver = false;

  private constructor(parts: HandshakeParts, isDialler: boolean) {
    this.#parts = parts;
    this.#isDialler = isDialler;
    this.#nonce = parts.random.int(2 ** 48).toString(16);
  }

  static dial(parts: HandshakeParts): SecureHandshake {
    return new SecureHandshake(parts, true);
  }

  static answer(parts: HandshakeParts): SecureHandshake {
    return new SecureHandshake(parts, false);
  }

  /** The dialler's first word. */
  begin(): void {
    this.#try(() => this.#say(this.#show('')));
  }

  /** Gives it up, unless it is over. */
  [Symbol.dispose](): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#parts.socket.destroy();
  }

  /** Ends it with an error, unless it is over. */
  fail(error: ClusterError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#parts.socket.write([ALERT]);
    this.#parts.socket.end();
    this.#parts.failed(error);
  }

  #data(bytes: Uint8Array): void {
    if (this.#inner !== undefined) {
      this.#inner.data(bytes);
      return;
    }
    this.#pending = concatenate([this.#pending, bytes]);
    this.#try(() => this.#take());
    const rest = this.#pending;
    if (this.#inner === undefined || rest.length === 0) return;
    this.#pending = new Uint8Array(0);
    (this.#inner as SocketHandler).data(rest);
  }

  #closed(error: Error | undefined): void {
    if (this.#inner !== undefined) this.#inner.close(error);
    else if (!this.#isOver) this.#parts.gone();
    this.#isOver = true;
  }

  #take(): void {
    while (this.#inner === undefined && !this.#isOver) {
      const [type, major, , high = 0, low = 0] = this.#pending;
      if (type === undefined) return;
      if (type === ALERT[0] && major === 0x03)
        throw refused("it does not accept this node's secret or certificate, or is of a cluster of another name");
      if (type !== HANDSHAKE[0] || (major !== undefined && major !== HANDSHAKE[1]))
        throw refused('it does not speak TLS');
      const end = HEAD_BYTES + high * 256 + low;
      if (this.#pending.length < HEAD_BYTES || this.#pending.length < end) return;
      const said = parse(this.#pending.subarray(HEAD_BYTES, end));
      this.#pending = this.#pending.slice(end);
      this.#hear(said);
    }
  }

  #hear(said: Said): void {
    if (this.#peer === undefined) {
      const nonce = typeof said.nonce === 'string' ? said.nonce : '';
      this.#peer = this.#judge(said, nonce);
      this.#say(this.#isDialler ? { finished: true } : this.#show(nonce));
      if (this.#isDialler) this.#finish(this.#peer);
    } else if (said.finished === true) {
      this.#finish(this.#peer);
    } else {
      throw refused('it has broken the protocol of the handshake');
    }
  }

  #finish(peer: SecuredStream): void {
    this.#isOver = true;
    this.#inner = this.#parts.secured(peer);
  }

  /** What this end says of itself, bound to what the other has said. */
  #show(theirNonce: string): Said {
    const { security } = this.#parts;
    const nonce = this.#nonce;
    if (security.type === 'certificates') return { nonce, certificate: readCertificate(security.current().cert) };
    this.#keys ??= security.use();
    const { identity, key } = this.#keys;
    return { nonce, identity, proof: proofOf(key, `${theirNonce} ${nonce}`) };
  }

  /** The key that the two ends have agreed on. */
  #keys: { readonly identity: string; readonly key: Uint8Array } | undefined;

  /** @throws ClusterError why the peer is not let in */
  #judge(said: Said, theirNonce: string): SecuredStream {
    const { security } = this.#parts;
    const nonces = this.#isDialler ? `${this.#nonce} ${theirNonce}` : `${theirNonce} ${this.#nonce}`;
    if (security.type === 'certificates') return this.#judgeCertificate(said, nonces);
    const { identity, proof } = said;
    if (typeof identity !== 'string') throw refused('it shows nothing that is accepted here');
    const key = this.#isDialler ? this.#keys?.key : security.accept(identity);
    if (!(key instanceof Uint8Array)) throw key ?? refused('it speaks before it was asked');
    const stated = this.#isDialler ? nonces : ` ${theirNonce}`;
    if (proof !== proofOf(key, stated)) throw refused('it does not have the key that it names');
    this.#keys = { identity, key };
    return secureStream({ type: 'shared-key', identity }, key, nonces, () => undefined);
  }

  #judgeCertificate({ certificate: shown }: Said, nonces: string): SecuredStream {
    const { security, wallTime } = this.#parts;
    if (security.type !== 'certificates' || shown === undefined) throw refused('it shows no certificate');
    const certificate: SimulatedCertificate = readCertificate(JSON.stringify(shown));
    const objection = () => objectionToSimulated(certificate, security.current(), wallTime());
    const why = objection();
    if (why !== undefined) throw refused(why);
    return secureStream({ type: 'certificate', certificate }, encoder.encode('certificates'), nonces, objection);
  }

  #say(said: Said): void {
    const body = encoder.encode(JSON.stringify(said));
    const head = Uint8Array.of(...HANDSHAKE, body.length >>> 8, body.length);
    this.#parts.socket.write([head, body]);
  }

  #try(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.fail(error instanceof ClusterError ? error : refused(String(error)));
    }
  }
}

function secureStream(
  peer: StreamPeer,
  key: Uint8Array,
  nonces: string,
  objection: () => string | undefined,
): SecuredStream {
  const salt = encoder.encode(nonces);
  return { peer, objection, exportSecret: (label, length) => systemCrypto.deriveKey(key, salt, label, length) };
}

function proofOf(key: Uint8Array, statement: string): string {
  return systemCrypto.hmac(key, encoder.encode(statement)).join('.');
}

function parse(bytes: Uint8Array): Said {
  const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
  return typeof value === 'object' && value !== null ? value : {};
}

function refused(why: string): ClusterError {
  return new ClusterError('REFUSED', why);
}
