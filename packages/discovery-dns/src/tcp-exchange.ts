import { type Address, ClusterError, formatAddress, type Net, settleWithin, type SocketHandler } from '@quorate/core';

import { type DnsResponse, type Query, readResponse } from './dns-message.ts';

/** In front of each message. (RFC 1035, section 4.2.2) */
const LENGTH_BYTES = 2;

/**
 * Asks one resolver over a connection of its own.
 * @throws ClusterError `DISCONNECTED`, `PROTOCOL`, `ABORTED`
 */
export async function exchangeOverTcp(
  net: Net,
  resolver: Address,
  query: Query,
  signal: AbortSignal,
): Promise<DnsResponse> {
  const what = `ask ${formatAddress(resolver)} by TCP`;
  const reply = new FramedReply(what);
  const socket = await net.connect(resolver, reply, { signal });
  try {
    const bytes = await settleWithin<Uint8Array>(signal, what, (resolve, reject) => {
      socket.write([lengthOf(query.bytes), query.bytes]);
      reply.received.then(resolve, reject);
      return () => undefined;
    });
    const response = readResponse(query, bytes);
    if (response.isTruncated && response.answers.length === 0) {
      throw new ClusterError('PROTOCOL', `${what}: the answer is truncated, and nothing is left of it`);
    }
    return response;
  } finally {
    socket.destroy();
  }
}

/** Gathers one message. It cannot be longer than its length says, which is at most 65,535. */
class FramedReply implements SocketHandler {
  readonly received: Promise<Uint8Array>;
  readonly #what: string;
  #bytes = new Uint8Array(LENGTH_BYTES);
  #filled = 0;
  #resolve: (bytes: Uint8Array) => void = () => undefined;
  #reject: (error: ClusterError) => void = () => undefined;

  constructor(what: string) {
    this.#what = what;
    this.received = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Nobody listens before the query is sent.
    this.received.catch(() => undefined);
  }

  data(chunk: Uint8Array): void {
    let rest = chunk;
    while (rest.length > 0 && this.#filled < this.#bytes.length) {
      const part = rest.subarray(0, this.#bytes.length - this.#filled);
      this.#bytes.set(part, this.#filled);
      this.#filled += part.length;
      rest = rest.subarray(part.length);
      if (this.#filled === LENGTH_BYTES) this.#makeRoom();
    }
    if (this.#filled > LENGTH_BYTES && this.#filled === this.#bytes.length) {
      this.#resolve(this.#bytes.subarray(LENGTH_BYTES));
    }
  }

  drain(): void {
    // One small query is all that is ever written.
  }

  close(error?: Error): void {
    const why = error === undefined ? 'it closed the connection' : error.message;
    this.#reject(new ClusterError('DISCONNECTED', `${this.#what}: ${why}`, { cause: error }));
  }

  #makeRoom(): void {
    const [high = 0, low = 0] = this.#bytes;
    const whole = new Uint8Array(LENGTH_BYTES + ((high << 8) | low));
    whole.set(this.#bytes);
    this.#bytes = whole;
    if (whole.length === LENGTH_BYTES) this.#reject(new ClusterError('PROTOCOL', `${this.#what}: an empty answer`));
  }
}

function lengthOf({ length }: Uint8Array): Uint8Array {
  return Uint8Array.of(length >> 8, length & 0xff);
}
