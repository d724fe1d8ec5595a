import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { Crypto } from '../crypto.ts';

const CIPHER = 'aes-256-gcm';
const TAG_BYTES = 16;

/** The cryptography of OpenSSL, as Node.js comes with it. */
export const systemCrypto: Crypto = {
  deriveKey: (secret, salt, info, length) => new Uint8Array(hkdfSync('sha256', secret, salt, info, length)),
  hmac: (key, data) => plain(createHmac('sha256', key).update(data).digest()),
  seal: (key, nonce, associated, bytes) => {
    const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(associated);
    const sealed = new Uint8Array(bytes.length + TAG_BYTES);
    sealed.set(cipher.update(bytes));
    cipher.final();
    sealed.set(cipher.getAuthTag(), bytes.length);
    return sealed;
  },
  open: (key, nonce, associated, sealed) => {
    const length = sealed.length - TAG_BYTES;
    if (length < 0) return undefined;
    const cipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(associated).setAuthTag(sealed.subarray(length));
    const bytes = cipher.update(sealed.subarray(0, length));
    try {
      cipher.final();
    } catch {
      return undefined;
    }
    return plain(bytes);
  },
  isEqual: (a, b) => a.length === b.length && timingSafeEqual(a, b),
};

/** A plain view: the methods of Buffer differ, and a Uint8Array was promised. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
