import type { Clock, Socket, SocketHandler, System } from '@quorate/core';

import { type ApiAnswer, type LeaseApi, type LeaseChange } from './lease-api.ts';

export const API_PORT = 6443;
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/default/leases';

interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string | undefined;
}

/** Serves the API on a host of a simulated world: one connection a request, a line of JSON each way and more for a watch. */
export async function serveApi({ net, clock }: System, api: LeaseApi, address: string): Promise<void> {
  api.watchers.clear();
  await net.listen({ host: address, port: API_PORT }, (socket) => serve(socket, clock, api));
}

export function lineOf(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value)}\n`);
}

function serve(socket: Socket, clock: Clock, api: LeaseApi): SocketHandler {
  const decoder = new TextDecoder();
  let text = '';
  let stop = (): void => undefined;
  return {
    data: (bytes) => {
      text += decoder.decode(bytes, { stream: true });
      if (!text.includes('\n')) return;
      const request = JSON.parse(text) as ApiRequest;
      text = '';
      const query = new URLSearchParams(request.path.split('?')[1] ?? '');
      if (query.get('watch') === 'true') stop = watch(socket, clock, api, query);
      else reply(socket, answer(api, request, query));
    },
    drain: () => undefined,
    close: () => stop(),
  };
}

function reply(socket: Socket, { status, body }: ApiAnswer): void {
  socket.write([lineOf({ status }), lineOf(body)]);
  socket.end();
}

function answer(api: LeaseApi, { method, path, body }: ApiRequest, query: URLSearchParams): ApiAnswer {
  const [route = ''] = path.split('?');
  const name = route.slice(LEASES.length + 1);
  if (method === 'GET') return api.list(nameIn(query));
  return method === 'POST' ? api.create(JSON.parse(body ?? '')) : api.update(name, JSON.parse(body ?? ''));
}

/** Until its time is over or the client leaves, whichever is first. */
function watch(socket: Socket, clock: Clock, api: LeaseApi, query: URLSearchParams): () => void {
  const from = Number(query.get('resourceVersion'));
  const name = nameIn(query);
  socket.write([lineOf({ status: 200 })]);
  if (api.isForgotten(from)) {
    socket.write([lineOf({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } })]);
    socket.end();
    return () => undefined;
  }
  const tell = ({ type, object }: LeaseChange): void => {
    if (object.metadata.name === name) socket.write([lineOf({ type, object })]);
  };
  for (const change of api.since(from)) tell(change);
  api.watchers.add(tell);
  const timer = clock.setTimer(Number(query.get('timeoutSeconds')) * 1000, () => socket.end());
  return () => {
    timer.cancel();
    api.watchers.delete(tell);
  };
}

function nameIn(query: URLSearchParams): string {
  return (query.get('fieldSelector') ?? '').slice('metadata.name='.length);
}
