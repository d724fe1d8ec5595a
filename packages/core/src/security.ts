import type { Keyring } from './keyring.ts';
import type { CertificateSet } from './stream-security.ts';

/** How a node knows its peers, for every part that listens. */
export interface Security {
  /** The secrets that nodes of the cluster share. Undefined: there are none. */
  readonly keyring: Keyring | undefined;
  /** By which streams are secured, in place of the keyring. Undefined: there are none. */
  readonly certificates?: NodeCertificates | undefined;
  /** Whether addresses that others reach may be bound although nothing shows who they are. */
  readonly insecure: boolean;
}

/** A node's own certificate and whom it trusts, which may change while it runs. */
export interface NodeCertificates {
  /** The same object as long as nothing has changed. In a plan, where nothing was read yet, it throws `CLOSED`. */
  readonly current: CertificateSet;
  /** Called after each change. Disposing the result ends that. */
  onChange(told: () => void): Disposable;
}

/** Whether anything shows that the peer of a stream belongs here. */
export function authenticates({ keyring, certificates }: Security): boolean {
  return keyring !== undefined || certificates !== undefined;
}
