import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { ClusterError } from '../cluster-error.ts';
import type { CertificateDetails, CertificateSet } from '../stream-security.ts';
import { isWholePem, pemBlocks } from './pem.ts';
import { Revocations } from './revocations.ts';
import { tlsContextOptions } from './tls-settings.ts';

/** What comes of a set of certificates, made once for each. */
export interface PreparedCertificates {
  readonly options: SecureContextOptions;
  readonly context: SecureContext;
  readonly authorities: readonly X509Certificate[];
  readonly revocations: Revocations;
  readonly own: CertificateDetails;
}

const prepared = new WeakMap<CertificateSet, PreparedCertificates>();

/** @throws ClusterError `INVALID_OPTIONS` when they can't be used */
export function prepareCertificates(set: CertificateSet): PreparedCertificates {
  const known = prepared.get(set);
  if (known !== undefined) return known;
  const made = prepare(set);
  prepared.set(set, made);
  return made;
}

/** @throws ClusterError `INVALID_OPTIONS` when they can't be used, or not now */
export function inspectCertificates(set: CertificateSet): CertificateDetails {
  const { own } = prepareCertificates(set);
  const now = Date.now();
  if (now > own.validTo) throw unusable(`cert has expired, on ${dateOf(own.validTo)}`);
  if (now < own.validFrom) throw unusable(`cert is valid only from ${dateOf(own.validFrom)} on`);
  return own;
}

/** What a certificate says of itself. */
export function detailsOf(certificate: X509Certificate): CertificateDetails {
  const names = alternativeNames(certificate.subjectAltName ?? '');
  const { CN } = certificate.toLegacyObject().subject as { readonly CN?: unknown };
  return {
    commonName: typeof CN === 'string' ? CN : undefined,
    dnsNames: names.filter(([kind]) => kind === 'DNS').map(([, name]) => name),
    uris: names.filter(([kind]) => kind === 'URI').map(([, name]) => name),
    serial: certificate.serialNumber,
    validFrom: Date.parse(certificate.validFrom),
    validTo: Date.parse(certificate.validTo),
  };
}

/** What speaks against a peer that showed this certificate, and those above it, when it connected. Never throws. */
export function objectionTo(certificate: X509Certificate, set: CertificateSet): string | undefined {
  try {
    return judge(certificate, set);
  } catch (error) {
    return `its certificate can't be judged: ${String(error)}`;
  }
}

function judge(certificate: X509Certificate, set: CertificateSet): string | undefined {
  const { authorities, revocations } = prepareCertificates(set);
  const chain = chainOf(certificate);
  const expired = chain.find(({ validTo }) => Date.now() > Date.parse(validTo));
  if (expired !== undefined) return `its certificate has expired, on ${dateOf(Date.parse(expired.validTo))}`;
  if (chain.some(({ raw }) => revocations.has(raw))) return `its certificate was revoked`;
  const isTrusted = chain.some((link) =>
    authorities.some((one) => link.checkIssued(one) && link.verify(one.publicKey)),
  );
  return isTrusted ? undefined : 'its certificate is of an authority that is no longer trusted';
}

const MAX_CHAIN = 10;

function chainOf(certificate: X509Certificate): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next: X509Certificate | undefined = certificate;
  while (next !== undefined && chain.length < MAX_CHAIN) {
    chain.push(next);
    next = next.issuerCertificate;
  }
  return chain;
}

function prepare(set: CertificateSet): PreparedCertificates {
  for (const name of ['cert', 'ca', 'crl'] as const) {
    if (!isWholePem(set[name] ?? '')) throw unusable(`${name} is damaged, or only half of it is there`);
  }
  const [ca, crl] = [pemBlocks(set.ca, 'CERTIFICATE'), pemBlocks(set.crl ?? '', 'X509 CRL')];
  if (ca.length === 0) throw unusable('ca has no certificate');
  if (set.crl !== undefined && crl.length === 0) throw unusable('crl has no list');
  try {
    const { cert, key } = set;
    const options = { ...tlsContextOptions, cert, key, ca: [...ca], ...(crl.length > 0 && { crl: [...crl] }) };
    return {
      options,
      context: createSecureContext(options),
      authorities: ca.map((block) => new X509Certificate(block)),
      revocations: new Revocations(set.crl ?? ''),
      own: detailsOf(new X509Certificate(cert)),
    };
  } catch (error) {
    throw unusable(error instanceof Error ? error.message : String(error), error);
  }
}

function unusable(why: string, cause?: unknown): ClusterError {
  return new ClusterError('INVALID_OPTIONS', `certificates: they can't be used: ${why}`, { cause });
}

function dateOf(time: number): string {
  return new Date(time).toISOString();
}

/** `DNS:a, URI:quorate://c/a`; what has a comma or worse in it is quoted, as nothing that is of use here. */
const NAME = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/gu;

function alternativeNames(text: string): readonly (readonly [kind: string, name: string])[] {
  return [...text.matchAll(NAME)].map(([, kind = '', name = '']) => [kind, name] as const);
}
