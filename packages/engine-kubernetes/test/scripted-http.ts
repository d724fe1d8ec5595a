import { type Clock, settleWithin } from '@quorate/core';
import { createWorld } from '@quorate/simulator';

import { type HttpRequest, type KubernetesClient, kubernetesEngine, type KubernetesHttp } from '../src/index.ts';

export const SLICES = { group: 'discovery.k8s.io', version: 'v1', plural: 'endpointslices' };
export const LEASES = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' };
export const HERE = { namespace: 'default' };

/** What a test answers: a status and a body in pieces, or nothing at all. */
export type Scripted = { readonly status: number; readonly body: AsyncIterable<Uint8Array> } | 'silence' | Error;

export interface Script {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly requests: HttpRequest[];
}

/** Runs a test in simulated time, with a client whose requests are answered in turn; the last answer repeats itself. */
export function play(answers: readonly Scripted[], body: (script: Script) => Promise<void>): Promise<void> {
  const world = createWorld({ seed: 'engine' });
  const host = world.host('me');
  host.start(() => undefined);
  const { clock } = host.system;
  const requests: HttpRequest[] = [];
  const http = (): KubernetesHttp => ({
    namespace: () => Promise.resolve(undefined),
    send: async (request, { signal } = {}) => {
      const answer = answers[Math.min(requests.length, answers.length - 1)];
      requests.push(request);
      if (answer === undefined || answer === 'silence') return settleWithin(signal, 'send', () => () => undefined);
      if (answer instanceof Error) throw answer;
      return { ...answer, body: ended(answer.body, signal) };
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
  const client = kubernetesEngine({ http }).connect(clock, { timeoutMs: 1_000, watchMs: 10_000 });
  const run = async () => {
    await body({ client, clock, requests });
    await client[Symbol.asyncDispose]();
  };
  return world.settled(run(), 600_000);
}

export function json(status: number, value: unknown): Scripted {
  return text(status, JSON.stringify(value));
}

export function text(status: number, body: string, pieceBytes = 7): Scripted {
  const bytes = new TextEncoder().encode(body);
  return { status, body: { [Symbol.asyncIterator]: () => piecesOf(bytes, pieceBytes) } };
}

/** A body that begins like this and then goes on for ever without another byte. */
export function endless(body: string): Scripted {
  const bytes = new TextEncoder().encode(body);
  const silence = async function* silence(): AsyncGenerator<Uint8Array> {
    yield bytes;
    await new Promise(() => undefined);
  };
  return { status: 200, body: silence() };
}

// oxlint-disable-next-line require-await -- a body is asynchronous
async function* piecesOf(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

/** As a connection that is closed when the signal aborts. */
async function* ended(body: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  const pieces = body[Symbol.asyncIterator]();
  for (;;) {
    const piece = await settleWithin<IteratorResult<Uint8Array>>(signal, 'body', (resolve, reject) => {
      pieces.next().then(resolve, reject);
      return () => undefined;
    });
    if (piece.done === true) return;
    yield piece.value;
  }
}
