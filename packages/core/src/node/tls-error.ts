import { ClusterError, isClusterError } from '../cluster-error.ts';

const NO_TLS = 'it does not speak TLS';
const NOTHING_ACCEPTED = 'it shows nothing that is accepted here';
const NOT_ACCEPTED_THERE = "it does not accept this node's secret or certificate, or is of a cluster of another name";

const NOT_READ_THERE = 'the other side could not take what it got';
const ALTERED = 'what came is not as the other side sealed it: altered on the way, or said again';

/** What the codes of OpenSSL and Node.js mean between nodes; others are shown as they are. */
const MEANINGS: ReadonlyMap<string, string> = new Map([
  ['ERR_SSL_HTTP_REQUEST', NO_TLS],
  ['ERR_SSL_HTTPS_PROXY_REQUEST', NO_TLS],
  ['ERR_SSL_WRONG_VERSION_NUMBER', NO_TLS],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', NO_TLS],
  ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'it offers no version of TLS that is accepted'],
  ['ERR_SSL_BINDER_DOES_NOT_VERIFY', 'it does not have the key that it names'],
  ['ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM', NOTHING_ACCEPTED],
  ['ERR_SSL_NO_SHARED_CIPHER', NOTHING_ACCEPTED],
  ['ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE', 'it shows no certificate'],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', NOT_ACCEPTED_THERE],
  ['ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR', NOT_ACCEPTED_THERE],
  ['ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE', NOT_ACCEPTED_THERE],
  ['ERR_SSL_TLSV1_UNRECOGNIZED_NAME', NOT_ACCEPTED_THERE],
  ['UNABLE_TO_GET_ISSUER_CERT', 'it shows no certificate'],
  ['CERT_HAS_EXPIRED', 'its certificate has expired'],
  ['CERT_NOT_YET_VALID', 'its certificate is not valid yet'],
  ['CERT_REVOKED', 'its certificate was revoked'],
  ['CRL_HAS_EXPIRED', 'the list of revoked certificates here has expired'],
  ['UNABLE_TO_GET_CRL', 'there is no list of revoked certificates here of the authority of its certificate'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'its certificate is of an authority that is not trusted here'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'its certificate is its own authority, which is not trusted here'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'its certificate is of an authority that is not trusted here'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'its certificate is of an authority that is not trusted here'],
]);

/** What a code says, in words. */
export function explainTls(code: string | undefined, message = ''): string {
  return MEANINGS.get(code ?? '') ?? (code === undefined ? message : `the handshake failed (${code})`);
}

/** Why two ends didn't come together: an error of TLS is a refusal, one of the network is none. */
export function secureError(error: unknown, what: string): ClusterError {
  if (isClusterError(error)) return new ClusterError(error.code, `${what}: ${error.message}`, { cause: error });
  const { code, message } = error as { readonly code?: string; readonly message?: string };
  if (isNetworkCode(code)) return new ClusterError('DISCONNECTED', `${what}: ${message}`, { cause: error });
  return new ClusterError('REFUSED', `${what}: ${explainTls(code, message)}`, { cause: error });
}

/** The error of a stream that stood, as its handler gets it; one of the network stays what it is. */
export function streamError(error: Error): Error {
  const { code } = error as { readonly code?: unknown };
  if (typeof code !== 'string' || !code.startsWith('ERR_SSL_')) return error;
  const isSaidByPeer = code.includes('ALERT');
  const why = isSaidByPeer ? (MEANINGS.get(code) ?? `${NOT_READ_THERE} (${code})`) : `${ALTERED} (${code})`;
  return new ClusterError(isSaidByPeer ? 'REFUSED' : 'PROTOCOL', `the secured stream ended: ${why}`, { cause: error });
}

/** `ECONNREFUSED`, `ENOTFOUND`, `EAI_AGAIN` and the like. */
function isNetworkCode(code: string | undefined): boolean {
  return code !== undefined && /^E[A-Z]+(?:_[A-Z]+)?$/u.test(code) && !code.startsWith('ERR_');
}
