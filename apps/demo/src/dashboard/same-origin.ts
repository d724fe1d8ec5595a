import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/** The name of the page's token among the headers: a page of another origin can't set it without being asked about. */
const TOKEN_HEADER = 'x-dashboard-token';

/**
 * Whether the name by which we are asked is ours. A page elsewhere can have its own name resolve to this machine, and
 * would then be of our origin: so only addresses, `localhost` and the names given are answered.
 */
export function isOurHost(request: IncomingMessage, names: readonly string[]): boolean {
  const host = hostName(request.headers.host);
  return host !== undefined && (isIP(host) > 0 || host === 'localhost' || names.includes(host));
}

/** Whether our own page asks, as far as the browser says: it says nothing false. */
export function isSameOrigin(request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host);
}

/** A request that does something: by our own page, which says so by its origin and its token. */
export function isByOurPage(request: IncomingMessage, token: string): boolean {
  const { origin } = request.headers;
  const given = request.headers[TOKEN_HEADER];
  return origin !== undefined && isSameOrigin(request) && typeof given === 'string' && equal(given, token);
}

function equal(given: string, token: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(token)];
  return one.length === other.length && timingSafeEqual(one, other);
}

function hostName(host: string | undefined): string | undefined {
  if (host === undefined || !URL.canParse(`http://${host}`)) return undefined;
  return new URL(`http://${host}`).hostname.replace(/^\[|\]$/g, '');
}
