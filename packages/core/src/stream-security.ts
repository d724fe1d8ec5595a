import type { ClusterError } from './cluster-error.ts';

/**
 * What both ends of a stream are to show before a byte of it is handed on. Asked at each connection, so that what has
 * changed since applies to the next one. A stream is encrypted with keys of its own, which nobody can work out later from
 * what was shown (forward secrecy); there is no fallback to less.
 */
export type StreamSecurity = SharedKeySecurity | CertificateSecurity;

/** Each end shows that it has a key which the other accepts. */
export interface SharedKeySecurity {
  readonly type: 'shared-key';
  /** What this end dials with. */
  use(): SharedKey;
  /** The key of that identity, or why it isn't accepted. Called with whatever a stranger says. */
  accept(identity: string): Uint8Array | ClusterError;
}

/** A key that both sides have, and its name. */
export interface SharedKey {
  /** What the key is called where anybody can read it: at most 128 characters of ASCII. */
  readonly identity: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

/** Each end shows a certificate of an authority that the other trusts. Whom it names is the caller's to judge. */
export interface CertificateSecurity {
  readonly type: 'certificates';
  /** The same object as long as nothing has changed. */
  current(): CertificateSet;
}

/** Certificates as PEM texts. */
export interface CertificateSet {
  /** This node's own, and those between it and the authority. */
  readonly cert: string;
  /** The private key of the first one in `cert`. */
  readonly key: string;
  /** The authorities that are trusted, and no others. */
  readonly ca: string;
  /** What the authorities have revoked; if it is there, there must be a list of each of them. */
  readonly crl?: string | undefined;
}

/** What a certificate says. */
export interface CertificateDetails {
  readonly commonName: string | undefined;
  readonly dnsNames: readonly string[];
  readonly uris: readonly string[];
  /** In hexadecimal. */
  readonly serial: string;
  /** Milliseconds since 1970. */
  readonly validFrom: number;
  readonly validTo: number;
}

/** What a stream was secured with. */
export interface SecuredStream {
  readonly peer: StreamPeer;
  /**
   * A secret of this one stream that both of its ends know and nobody else: whoever proves something over it can't be
   * passing on what another stream said (RFC 8446, section 7.5). Different labels give independent secrets.
   */
  exportSecret(label: string, length: number): Uint8Array;
  /**
   * What speaks by now against going on: the peer's certificate has expired, was revoked, or is of an authority that is no
   * longer trusted. Undefined: nothing. Not for shared keys, whose acceptance the caller knows.
   */
  objection(): string | undefined;
}

/** Who the other side of a stream has shown itself to be. */
export type StreamPeer =
  | { readonly type: 'shared-key'; readonly identity: string }
  | { readonly type: 'certificate'; readonly certificate: CertificateDetails };
