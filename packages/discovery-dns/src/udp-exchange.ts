import {
  type Address,
  type DatagramSocket,
  formatAddress,
  isClusterError,
  type Net,
  type Random,
  settleWithin,
} from '@quorate/core';

import { type DnsResponse, isReplyTo, type Query, readResponse } from './dns-message.ts';
import { canonicalIp } from './ip-address.ts';

/** Where systems take the ports of those who only ask. (RFC 6335, section 6) */
const FIRST_PORT = 49_152;
const PORTS = 16_384;
const PORT_TRIES = 3;
/** Of datagrams that are not the answer: more of them look like somebody who guesses. */
const MAX_STRAYS = 32;

type Receive = (payload: Uint8Array, from: Address) => void;

/**
 * Asks one resolver in one datagram, from a port of its own. (RFC 5452: what comes from elsewhere, under another id or to
 * another question, was sent by somebody else, and the answer may still come.) Undefined: it has to be asked by TCP.
 * @throws ClusterError `IO` when there is no port, `ABORTED`
 */
export async function exchangeDatagrams(
  { net, random }: { readonly net: Net; readonly random: Random },
  resolver: Address,
  query: Query,
  signal: AbortSignal,
): Promise<DnsResponse | undefined> {
  const what = `ask ${formatAddress(resolver)}`;
  let receive: Receive = () => undefined;
  const socket = await bind(net, random, resolver, (payload, from) => receive(payload, from));
  try {
    return await settleWithin<DnsResponse | undefined>(signal, what, (resolve) => {
      let strays = 0;
      receive = (payload, from) => {
        const response = isFrom(resolver, from) && isReplyTo(query, payload) ? read(query, payload) : undefined;
        strays += response === undefined ? 1 : 0;
        if (response !== undefined) resolve(response.isTruncated ? undefined : response);
        else if (strays >= MAX_STRAYS) resolve(undefined);
      };
      socket.send(query.bytes, resolver);
      return () => undefined;
    });
  } finally {
    await socket[Symbol.asyncDispose]();
  }
}

async function bind(net: Net, random: Random, resolver: Address, receive: Receive): Promise<DatagramSocket> {
  const host = resolver.host.includes(':') ? '::' : '0.0.0.0';
  for (let tries = 0; tries < PORT_TRIES; tries += 1) {
    const port = FIRST_PORT + random.int(PORTS);
    const socket = await net.bindDatagram({ host, port }, receive).catch(() => undefined);
    if (socket !== undefined) return socket;
  }
  // Either they are all taken or nothing can be bound: then this says why.
  return await net.bindDatagram({ host, port: 0 }, receive);
}

/** The zone of a link-local address is this machine's own affair. */
function isFrom(resolver: Address, { host, port }: Address): boolean {
  const bare = (address: string) => canonicalIp(address.replace(/%.*$/u, ''));
  return port === resolver.port && bare(host) === bare(resolver.host);
}

function read(query: Query, payload: Uint8Array): DnsResponse | undefined {
  try {
    return readResponse(query, payload);
  } catch (error) {
    if (isClusterError(error, 'PROTOCOL')) return undefined;
    throw error;
  }
}
