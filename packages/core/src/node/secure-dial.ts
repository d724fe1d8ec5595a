import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { Address } from '../address.ts';
import { ClusterError } from '../cluster-error.ts';
import type { StreamSecurity } from '../stream-security.ts';
import { tlsSharedKeyOptions } from './tls-settings.ts';
import { TlsSecured } from './tls-secured.ts';
import { prepareCertificates } from './x509.ts';

/** A connection under way; `secured` says whom it reached, once it stands. */
export interface SecureDial {
  readonly stream: TLSSocket;
  /** @throws ClusterError `REFUSED` when that isn't what was asked for */
  secured(): TlsSecured;
}

/** Begins a connection by TLS; `secureConnect` of the stream tells that it stands. */
export function dialSecurely({ host, port }: Address, security: StreamSecurity): SecureDial {
  const target: ConnectionOptions = {
    host,
    port,
    rejectUnauthorized: true,
    // A certificate names a node, which may be at any address; whose it is, is judged by who asked for the connection.
    checkServerIdentity: () => undefined,
  };
  if (security.type === 'certificates') {
    const { context } = prepareCertificates(security.current());
    const stream = connect({ ...target, secureContext: context });
    return { stream, secured: () => TlsSecured.byCertificate(stream, security) };
  }
  const { identity, key } = security.use();
  const options = { ...target, ...tlsSharedKeyOptions, pskCallback: () => ({ psk: Buffer.from(key), identity }) };
  const stream = connect(options);
  return {
    stream,
    secured: () => {
      // TLS 1.3 treats a shared key like a session: that it was used is what shows that the other end has it.
      if (stream.isSessionReused()) return TlsSecured.bySharedKey(stream, identity);
      throw new ClusterError('REFUSED', 'it has not shown that it has the key');
    },
  };
}
