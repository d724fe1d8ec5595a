import { ClusterError } from '../cluster-error.ts';
import { type DerElement, derTag, readDer } from './der.ts';
import { pemBlocks, pemBytes } from './pem.ts';

/**
 * Which certificates authorities have revoked, by their lists (RFC 5280, section 5.1). Node.js and OpenSSL look at them in
 * handshakes; this is for connections that stand. Whether a list is genuine is not checked: it comes from this node's disk.
 */
export class Revocations {
  /** By authority and serial number. */
  readonly #revoked = new Set<string>();

  /** @throws ClusterError `CORRUPT` */
  constructor(crl: string) {
    for (const block of pemBlocks(crl, 'X509 CRL')) this.#add(pemBytes(block));
  }

  /** @param der the certificate */
  has(der: Uint8Array): boolean {
    const [certificate] = childrenOf(readDer(der)[0]);
    const fields = childrenOf(certificate).filter(({ tag }) => tag !== derTag.VERSION);
    const [serial, , issuer] = fields;
    if (serial === undefined || issuer === undefined) throw new ClusterError('CORRUPT', 'no certificate');
    return this.#revoked.has(keyOf(issuer, serial));
  }

  #add(der: Uint8Array): void {
    const [list] = childrenOf(readDer(der)[0]);
    const fields = childrenOf(list).filter(({ tag }) => tag !== derTag.INTEGER);
    const [, issuer, ...rest] = fields;
    if (issuer === undefined) throw new ClusterError('CORRUPT', 'no list of revoked certificates');
    // Behind the issuer come times, and then the entries, if there are any.
    for (const entry of childrenOf(rest.find(({ tag }) => tag === derTag.SEQUENCE))) {
      const [serial] = childrenOf(entry);
      if (serial !== undefined) this.#revoked.add(keyOf(issuer, serial));
    }
  }
}

function childrenOf(element: DerElement | undefined): readonly DerElement[] {
  return element === undefined ? [] : readDer(element.content);
}

function keyOf(issuer: DerElement, serial: DerElement): string {
  return `${Buffer.from(issuer.whole).toString('hex')} ${Buffer.from(serial.content).toString('hex')}`;
}
