import type { FetchedResponse } from './fetching.ts';
import type { HeaderReader } from './node-http.ts';

/** Of one connection only (RFC 9110, section 7.6.1), or made anew for the next one. */
const OF_ONE_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
  'expect',
  'content-length',
]);

/** The headers of a request that go along to the leader. */
export function passedOn(names: readonly string[], header: HeaderReader): Record<string, string> {
  const named = new Set((header('connection') ?? '').split(',').map((name) => name.trim().toLowerCase()));
  const kept = names.map((name) => name.toLowerCase()).filter((name) => !OF_ONE_HOP.has(name) && !named.has(name));
  return Object.fromEntries(kept.map((name) => [name, header(name) ?? '']));
}

/** The headers of a response that come back. Its body has been decoded already. */
export function returned(headers: FetchedResponse['headers']): Record<string, string | readonly string[]> {
  const kept: Record<string, string> = {};
  const cookies: string[] = [];
  headers.forEach((value, name) => {
    // Each cookie comes by itself: they can't be joined.
    if (name === 'set-cookie') cookies.push(value);
    else if (!OF_ONE_HOP.has(name) && name !== 'content-encoding') kept[name] = value;
  });
  return cookies.length === 0 ? kept : { ...kept, 'set-cookie': cookies };
}
