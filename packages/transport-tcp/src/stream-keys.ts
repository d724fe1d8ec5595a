import { ClusterError, type Crypto, type Keyring, type SharedKey, type SharedKeySecurity } from '@quorate/core';

/** What is derived from one secret of the keyring, for one cluster. */
interface DerivedKeys extends SharedKey {
  /** For proofs that this secret is known, which are made while a connection lives. */
  readonly proofKey: Uint8Array;
}

const KEY_BYTES = 32;
const encoder = new TextEncoder();
const NO_SALT = new Uint8Array(0);

/**
 * The keys of streams, derived from the keyring's secrets and the cluster's name: see "Keys" in docs/wire-protocol.md. A key's
 * identity tells which of several secrets is meant, and nothing about the secret to who doesn't know it.
 */
export class StreamKeys implements SharedKeySecurity {
  readonly type = 'shared-key';
  readonly #crypto: Crypto;
  readonly #keyring: Keyring;
  readonly #cluster: string;
  /** Begins every identity of this cluster's keys. */
  readonly #tag: string;
  /** By secret; only those that the keyring has. */
  #derived = new Map<string, DerivedKeys>();

  constructor(crypto: Crypto, keyring: Keyring, cluster: string) {
    this.#crypto = crypto;
    this.#keyring = keyring;
    this.#cluster = cluster;
    this.#tag = hex(crypto.deriveKey(encoder.encode(cluster), NO_SALT, 'quorate cluster tag', 4));
  }

  use(): SharedKey {
    return this.#keysOf(this.#keyring.use);
  }

  accept(identity: string): Uint8Array | ClusterError {
    const keys = this.#find(identity);
    if (keys !== undefined) return keys.key;
    if (/^[0-9a-f]{8}\./u.test(identity) && !identity.startsWith(this.#tag)) {
      const message = `it belongs to another cluster than "${this.#cluster}", or to none`;
      return new ClusterError('CLUSTER_MISMATCH', message);
    }
    return new ClusterError('REFUSED', 'its secret is not accepted here');
  }

  isAccepted(identity: string): boolean {
    return this.#find(identity) !== undefined;
  }

  /** Shows, within one stream, that the secret of this identity is known. Undefined: it isn't accepted here. */
  prove(identity: string, statement: Uint8Array): Uint8Array | undefined {
    const keys = this.#find(identity);
    return keys && this.#crypto.hmac(keys.proofKey, statement);
  }

  #find(identity: string): DerivedKeys | undefined {
    return this.#keyring.accept.map((secret) => this.#keysOf(secret)).find((keys) => keys.identity === identity);
  }

  #keysOf(secret: string): DerivedKeys {
    const known = this.#derived.get(secret);
    if (known !== undefined) return known;
    const made = this.#derive(secret);
    const { accept } = this.#keyring;
    this.#derived = new Map([...this.#derived].filter(([kept]) => accept.includes(kept))).set(secret, made);
    return made;
  }

  #derive(secret: string): DerivedKeys {
    const [input, salt] = [encoder.encode(secret), encoder.encode(this.#cluster)];
    const key = this.#crypto.deriveKey(input, salt, 'quorate stream key', KEY_BYTES);
    const proofKey = this.#crypto.deriveKey(input, salt, 'quorate stream proof', KEY_BYTES);
    const name = this.#crypto.deriveKey(key, NO_SALT, 'quorate stream key identity', 8);
    return { identity: `${this.#tag}.${hex(name)}`, key, proofKey };
  }
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
