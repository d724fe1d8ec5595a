import type { Socket as Stream } from 'node:net';
import { createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import type { Address } from '../address.ts';
import { ClusterError, isClusterError } from '../cluster-error.ts';
import type { ListenOptions } from '../net.ts';
import type { CertificateSet, StreamSecurity } from '../stream-security.ts';
import { addressOf } from './socket.ts';
import { explainTls } from './tls-error.ts';
import { tlsContextOptions, tlsSharedKeyOptions } from './tls-settings.ts';
import { TlsSecured } from './tls-secured.ts';
import { prepareCertificates } from './x509.ts';

type Accepted = (stream: TLSSocket, secured: TlsSecured) => void;

/** Turns connections that come in into secured ones. Those under way are bounded in number and time. */
export class SecureListener {
  readonly #options: ListenOptions;
  readonly #security: StreamSecurity;
  readonly #accepted: Accepted;
  readonly #server: Server;
  /** Handshakes under way by the address of the peer, the oldest first. */
  readonly #pending = new Map<string, Stream>();
  /** What the peer called the key that is to be compared. */
  readonly #identities = new WeakMap<TLSSocket, string>();
  /** Why that key isn't accepted. */
  readonly #objections = new WeakMap<TLSSocket, ClusterError>();
  #set: CertificateSet | undefined;

  constructor(security: StreamSecurity, options: ListenOptions, accepted: Accepted) {
    this.#security = security;
    this.#options = options;
    this.#accepted = accepted;
    this.#server = createServer(this.#tlsOptions());
    this.#server.on('secureConnection', (stream) => this.#secured(stream));
    this.#server.on('tlsClientError', (error, stream) => this.#failed(error, stream));
  }

  /** Takes a connection that has just come in. */
  take(stream: Stream): void {
    const remote = addressOf(stream.remoteAddress, stream.remotePort);
    stream.on('error', () => undefined);
    // It has gone already.
    if (remote.port === 0 || !this.#isReady(remote)) {
      stream.destroy();
      return;
    }
    this.#makeRoom();
    const key = keyOf(remote);
    this.#pending.set(key, stream);
    stream.once('close', () => this.#pending.get(key) === stream && this.#pending.delete(key));
    this.#server.emit('connection', stream);
  }

  /** Ends the handshakes under way. */
  close(): void {
    for (const stream of this.#pending.values()) stream.destroy();
    this.#pending.clear();
  }

  #tlsOptions(): TlsOptions {
    const handshakeTimeout = this.#options.handshakeTimeoutMs ?? 5000;
    const security = this.#security;
    if (security.type === 'certificates') {
      // Judged in `#secured`, where it can be told what was wrong: Node.js would close without a reason.
      return { ...tlsContextOptions, handshakeTimeout, requestCert: true, rejectUnauthorized: false };
    }
    const pskCallback = (stream: TLSSocket, identity: string): Buffer | null => {
      const key = security.accept(identity);
      if (key instanceof Uint8Array) {
        this.#identities.set(stream, identity);
        return Buffer.from(key);
      }
      this.#objections.set(stream, key);
      return null;
    };
    return { ...tlsSharedKeyOptions, handshakeTimeout, pskCallback };
  }

  /** Takes over certificates that have changed. */
  #isReady(remote: Address): boolean {
    if (this.#security.type === 'shared-key') return true;
    try {
      const set = this.#security.current();
      if (set !== this.#set) {
        this.#set = set;
        this.#server.setSecureContext(prepareCertificates(set).options);
      }
      return true;
    } catch (error) {
      this.#refuse(remote, 'REFUSED', String(error));
      return false;
    }
  }

  #makeRoom(): void {
    const [oldest] = this.#pending;
    if (oldest === undefined || this.#pending.size < (this.#options.maxHandshakes ?? 128)) return;
    const [key, stream] = oldest;
    const remote = addressOf(stream.remoteAddress, stream.remotePort);
    this.#pending.delete(key);
    stream.destroy();
    this.#refuse(remote, 'OVERLOADED', 'too many connections have not finished their handshake');
  }

  #secured(stream: TLSSocket): void {
    const remote = addressOf(stream.remoteAddress, stream.remotePort);
    this.#pending.delete(keyOf(remote));
    try {
      this.#accepted(stream, this.#judge(stream));
    } catch (error) {
      stream.on('error', () => undefined);
      stream.destroy();
      // Whatever is odd about a peer must not end the process.
      this.#refuse(remote, 'REFUSED', isClusterError(error) ? error.message : `it can't be judged: ${String(error)}`);
    }
  }

  /** @throws ClusterError `REFUSED` */
  #judge(stream: TLSSocket): TlsSecured {
    if (this.#security.type === 'certificates') {
      if (stream.authorized) return TlsSecured.byCertificate(stream, this.#security);
      throw new ClusterError('REFUSED', explainTls(String(stream.authorizationError)));
    }
    const identity = this.#identities.get(stream);
    if (identity !== undefined && stream.isSessionReused()) return TlsSecured.bySharedKey(stream, identity);
    throw new ClusterError('REFUSED', 'it has not shown that it has the key');
  }

  #failed(error: Error & { readonly code?: string }, stream: TLSSocket): void {
    stream.on('error', () => undefined);
    const remote = addressOf(stream.remoteAddress, stream.remotePort);
    stream.destroy();
    // Who merely went away was not refused.
    if (remote.port === 0 || error.code === 'ECONNRESET' || error.code === 'EPIPE') return;
    this.#pending.delete(keyOf(remote));
    const objection = this.#objections.get(stream);
    if (objection !== undefined) this.#options.refused?.(remote, objection);
    else if (error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT')
      this.#refuse(remote, 'TIMEOUT', 'no handshake within its time');
    else this.#refuse(remote, 'REFUSED', explainTls(error.code, error.message));
  }

  #refuse(remote: Address, code: 'REFUSED' | 'TIMEOUT' | 'OVERLOADED', why: string): void {
    this.#options.refused?.(remote, new ClusterError(code, why));
  }
}

function keyOf({ host, port }: Address): string {
  return `${host} ${port}`;
}
