import type { Keyring } from './keyring.ts';

/** How a node knows its peers, for every part that listens. */
export interface Security {
  /** The secrets that nodes of the cluster share. Undefined: there are none. */
  readonly keyring: Keyring | undefined;
  /** Whether addresses that others reach may be bound although nothing shows who they are. */
  readonly insecure: boolean;
}

/** Whether anything shows that a peer belongs here. */
export function authenticates({ keyring }: Security): boolean {
  return keyring !== undefined;
}
