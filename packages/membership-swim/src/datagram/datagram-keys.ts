import type { Crypto, Keyring } from '@quorate/core';

/** A secret as datagrams know it. */
interface DatagramSecret {
  readonly secret: string;
  readonly bytes: Uint8Array;
  /** Public: tells the receiver which secret it was. Two secrets of one keyring may share it. */
  readonly keyId: number;
}

const KEY_BYTES = 32;
const text = new TextEncoder();

/** The keys of datagrams, derived from the secrets that are in the keyring now. */
export class DatagramKeys {
  readonly #crypto: Crypto;
  readonly #keyring: Keyring;
  readonly #salt: Uint8Array;
  /** The secrets of the keyring when they were looked at last, that in use first. */
  #secrets: readonly DatagramSecret[] = [];
  readonly #watching: Disposable;

  constructor(crypto: Crypto, keyring: Keyring, clusterName: string) {
    this.#crypto = crypto;
    this.#keyring = keyring;
    this.#salt = text.encode(clusterName);
    this.#read();
    this.#watching = keyring.onChange(() => this.#read());
  }

  /** Its key seals what this node sends. */
  get inUse(): DatagramSecret {
    const [first] = this.#secrets;
    // A keyring has at least the secret in use.
    return first as DatagramSecret;
  }

  withId(keyId: number): readonly DatagramSecret[] {
    return this.#secrets.filter((secret) => secret.keyId === keyId);
  }

  /** The key of a session: of one secret, one cluster's name and one run of a sender. */
  derive({ bytes }: DatagramSecret, session: string): Uint8Array {
    return this.#crypto.deriveKey(bytes, this.#salt, `quorate datagrams of session ${session}`, KEY_BYTES);
  }

  [Symbol.dispose](): void {
    this.#watching[Symbol.dispose]();
  }

  #read(): void {
    this.#secrets = this.#keyring.accept.map((secret) => this.#describe(secret));
  }

  #describe(secret: string): DatagramSecret {
    const bytes = text.encode(secret);
    const id = this.#crypto.deriveKey(bytes, this.#salt, 'quorate datagrams: the public id of a secret', 4);
    return { secret, bytes, keyId: new DataView(id.buffer, id.byteOffset).getUint32(0) };
  }
}
