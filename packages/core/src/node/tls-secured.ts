import type { TLSSocket } from 'node:tls';
import { ClusterError } from '../cluster-error.ts';
import type { CertificateSecurity, CertificateSet, SecuredStream, StreamPeer } from '../stream-security.ts';
import { detailsOf, objectionTo } from './x509.ts';

/** What a TLS connection was secured with. */
export class TlsSecured implements SecuredStream {
  readonly peer: StreamPeer;
  readonly #stream: TLSSocket;
  readonly #objection: () => string | undefined;

  private constructor(stream: TLSSocket, peer: StreamPeer, objection: () => string | undefined) {
    this.#stream = stream;
    this.peer = peer;
    this.#objection = objection;
  }

  static bySharedKey(stream: TLSSocket, identity: string): TlsSecured {
    return new TlsSecured(stream, { type: 'shared-key', identity }, () => undefined);
  }

  /** @throws ClusterError `REFUSED` when the peer has shown none */
  static byCertificate(stream: TLSSocket, security: CertificateSecurity): TlsSecured {
    const shown = stream.getPeerX509Certificate();
    if (shown === undefined) throw new ClusterError('REFUSED', 'it shows no certificate');
    const certificate = detailsOf(shown);
    // The work is done once for each set; that time passes needs no work.
    let judged: { readonly set: CertificateSet; readonly verdict: string | undefined } | undefined;
    const objection = (): string | undefined => {
      const set = security.current();
      if (judged?.set !== set || Date.now() > certificate.validTo) judged = { set, verdict: objectionTo(shown, set) };
      return judged.verdict;
    };
    return new TlsSecured(stream, { type: 'certificate', certificate }, objection);
  }

  exportSecret(label: string, length: number): Uint8Array {
    if (this.#stream.destroyed) throw new ClusterError('DISCONNECTED', 'the stream has ended');
    const secret = this.#stream.exportKeyingMaterial(length, `EXPORTER-quorate-${label}`, Buffer.alloc(0));
    return new Uint8Array(secret);
  }

  objection(): string | undefined {
    return this.#objection();
  }
}
