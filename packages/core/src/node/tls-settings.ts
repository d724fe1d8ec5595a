import { constants } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';

/**
 * TLS 1.3 only, which has no suite without forward secrecy: with a shared key too, OpenSSL insists on an ephemeral exchange
 * of keys (`psk_dhe_ke`) unless it is told otherwise. No session is resumed: it could outlive what it was accepted for.
 */
export const tlsContextOptions: SecureContextOptions = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  // The first is the quickest, and the only one that OpenSSL gives to shared keys.
  ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256',
  secureOptions: constants.SSL_OP_NO_TICKET,
};

/** For shared keys: no certificate is believed, not even one of the authorities that Node.js comes with. */
export const tlsSharedKeyOptions: SecureContextOptions = {
  ...tlsContextOptions,
  ciphers: 'TLS_AES_128_GCM_SHA256',
  ca: [],
};
