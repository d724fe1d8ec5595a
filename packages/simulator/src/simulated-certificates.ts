import { type CertificateDetails, type CertificateSet, ClusterError } from '@quorate/core';

const YEAR_MS = 365 * 24 * 3_600_000;

/** A certificate as it is shown: what it says, and who has signed it. */
export interface SimulatedCertificate extends CertificateDetails {
  readonly authority: string;
}

/** What a simulated certificate names. */
export interface SimulatedNames {
  readonly commonName?: string;
  readonly dnsNames?: readonly string[];
  readonly uris?: readonly string[];
  /** Milliseconds since 1970, as `wallTime` of a simulated clock. */
  readonly validTo: number;
}

/**
 * Signs certificates that only simulated networks take: JSON in place of PEM, and nothing that would be hard to forge. Whom
 * they let in is modelled, and not the cryptography.
 */
export class SimulatedAuthority {
  readonly name: string;
  readonly #revoked: string[] = [];
  #issued = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** Its own certificate, to be trusted. */
  get ca(): string {
    return JSON.stringify([this.name]);
  }

  /** What it has revoked until now. */
  get crl(): string {
    return JSON.stringify(this.#revoked);
  }

  issue(names: SimulatedNames): { readonly cert: string; readonly key: string } {
    this.#issued += 1;
    const serial = this.#issued.toString(16);
    const { commonName, dnsNames = [], uris = [], validTo } = names;
    const certificate: SimulatedCertificate = {
      authority: this.name,
      serial,
      commonName,
      dnsNames,
      uris,
      validFrom: validTo - YEAR_MS,
      validTo,
    };
    return { cert: JSON.stringify(certificate), key: JSON.stringify(`key of ${this.name}/${serial}`) };
  }

  /** @param cert one that it has issued */
  revoke(cert: string): void {
    this.#revoked.push(idOf(readCertificate(cert)));
  }
}

/** @throws ClusterError `INVALID_OPTIONS` when the set can't be used now */
export function inspectSimulated(set: CertificateSet, now: number): SimulatedCertificate {
  const certificate = readCertificate(set.cert);
  if (parse(set.key, 'key') !== `key of ${idOf(certificate)}`) throw unusable('key and cert do not belong together');
  namesIn(set.ca, 'ca');
  namesIn(set.crl ?? '[]', 'crl');
  if (now > certificate.validTo) throw unusable('cert has expired');
  if (now < certificate.validFrom) throw unusable('cert is not valid yet');
  return certificate;
}

/** What speaks against a certificate that a peer has shown. */
export function objectionToSimulated(
  shown: SimulatedCertificate,
  set: CertificateSet,
  now: number,
): string | undefined {
  if (!namesIn(set.ca, 'ca').includes(shown.authority)) {
    return 'its certificate is of an authority that is not trusted here';
  }
  if (now > shown.validTo) return 'its certificate has expired';
  if (now < shown.validFrom) return 'its certificate is not valid yet';
  return namesIn(set.crl ?? '[]', 'crl').includes(idOf(shown)) ? 'its certificate was revoked' : undefined;
}

/** @throws ClusterError `INVALID_OPTIONS` */
export function readCertificate(cert: string): SimulatedCertificate {
  const value = parse(cert, 'cert') as SimulatedCertificate;
  const isOne = typeof value === 'object' && value !== null && typeof value.authority === 'string';
  if (isOne && Array.isArray(value.uris) && Array.isArray(value.dnsNames)) return value;
  throw unusable('cert is no certificate');
}

function idOf({ authority, serial }: SimulatedCertificate): string {
  return `${authority}/${serial}`;
}

function namesIn(text: string, what: string): readonly string[] {
  const names = parse(text, what);
  if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return names;
  throw unusable(`${what} can't be read`);
}

function parse(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unusable(`${what} can't be read`, error);
  }
}

function unusable(why: string, cause?: unknown): ClusterError {
  return new ClusterError('INVALID_OPTIONS', `certificates: they can't be used: ${why}`, { cause });
}
