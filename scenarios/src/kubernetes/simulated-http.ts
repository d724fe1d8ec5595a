import {
  type Address,
  type Channel,
  ClusterError,
  createChannel,
  linkSignals,
  type Net,
  settleWithin,
  type Socket,
} from '@quorate/core';
import type { HttpAnswer, HttpRequest, KubernetesHttp } from '@quorate/engine-kubernetes';

import { lineOf } from './lease-api-server.ts';

/** The way to the API server of a simulated world. */
export function simulatedHttp(net: Net, server: Address): () => KubernetesHttp {
  return () => {
    const closed = new AbortController();
    return {
      namespace: () => Promise.resolve(undefined),
      send: async (request, { signal } = {}) => send(net, server, request, [signal, closed.signal]),
      [Symbol.asyncDispose]: async () => closed.abort(),
    };
  };
}

async function send(
  net: Net,
  server: Address,
  { method, path, body }: HttpRequest,
  owners: readonly (AbortSignal | undefined)[],
): Promise<HttpAnswer> {
  const either = linkSignals(...owners);
  const lines = new Answer();
  let socket: Socket | undefined;
  const end = (): void => {
    socket?.destroy();
    lines.body.close(either.signal.reason);
  };
  either.signal.addEventListener('abort', end, { once: true });
  const status = await settleWithin<number>(either.signal, 'send', (resolve, reject) => {
    lines.head = { resolve, reject };
    const handler = {
      data: (bytes: Uint8Array): void => lines.push(bytes),
      drain: (): void => undefined,
      close: (error?: Error): void => lines.end(error),
    };
    net.connect(server, handler, { signal: either.signal }).then((connected) => {
      socket = connected;
      if (either.signal.aborted) connected.destroy();
      else connected.write([lineOf({ method, path, body: body?.text })]);
    }, reject);
    return () => undefined;
  });
  return { status, body: lines.body };
}

/** The first line is the head, the others are the body. */
class Answer {
  readonly body: Channel<Uint8Array> = createChannel<Uint8Array>({ capacity: 100_000 });
  head: { resolve(status: number): void; reject(error: unknown): void } | undefined;
  readonly #decoder = new TextDecoder();
  #text = '';

  push(bytes: Uint8Array): void {
    if (this.head === undefined) return this.body.push(bytes);
    this.#text += this.#decoder.decode(bytes, { stream: true });
    const end = this.#text.indexOf('\n');
    if (end < 0) return;
    this.head.resolve((JSON.parse(this.#text.slice(0, end)) as { readonly status: number }).status);
    this.head = undefined;
    if (end + 1 < this.#text.length) this.body.push(new TextEncoder().encode(this.#text.slice(end + 1)));
  }

  end(error: Error | undefined): void {
    const reason = error === undefined ? undefined : new ClusterError('DISCONNECTED', 'lost', { cause: error });
    this.head?.reject(reason ?? new ClusterError('DISCONNECTED', 'ended without an answer'));
    this.body.close(reason);
  }
}
