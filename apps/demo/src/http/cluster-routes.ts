import { answers, eventsOf, failing } from './answers.ts';
import type { Api, ApiParts } from './api.ts';
import { EventStream } from './event-stream.ts';
import { Answers, TransferBody } from './schemas.ts';

/** Between two statuses of a stream. */
const STATUS_MS = 250;
/** Beyond which a client that reads slowly is told less. */
const SLOW_BYTES = 128 * 1024;

/** `/v1/cluster`: what this node sees, and what can be asked of it. */
export function clusterRoutes(api: Api, parts: ApiParts): void {
  const { status, transfer, leave, onEvent, dispatchers, streams } = parts;
  const tags = ['cluster'];
  const statusText = atMostEach(STATUS_MS / 2, () => JSON.stringify(status()));

  api.get(
    '/v1/cluster',
    {
      schema: {
        operationId: 'getCluster',
        summary: 'What this node sees of the cluster, without asking others',
        tags,
        response: answers({ 200: Answers.status }, failing.here),
      },
    },
    async (_, reply) => await reply.header('cache-control', 'no-store').send(status() as never),
  );

  api.get(
    '/v1/cluster/events',
    {
      config: { waits: true },
      exposeHeadRoute: false,
      schema: {
        operationId: 'streamOfCluster',
        summary: 'The same as server-sent events',
        description:
          'An event `status` now, and when it has changed, at most four a second; an event `event` for each thing that ' +
          'happens: `{ at, type, text }`.',
        tags,
        response: answers({ 200: eventsOf('Events `status` and `event`.') }, failing.here),
      },
    },
    async (request, reply) => {
      const entered = dispatchers.enter();
      reply.hijack();
      const events = new EventStream(reply.raw, { 'x-request-id': request.id });
      let told = '';
      const tell = () => {
        const text = statusText();
        if (text === told || events.unreadBytes > SLOW_BYTES) return;
        told = text;
        events.sendText('status', text);
      };
      tell();
      const timer = setInterval(tell, STATUS_MS);
      const listener = onEvent((event) => {
        if (events.unreadBytes <= SLOW_BYTES) events.send('event', event);
      });
      const end = () => {
        clearInterval(timer);
        listener[Symbol.dispose]();
        entered[Symbol.dispose]();
        streams.delete(events);
      };
      streams.add(events);
      events.signal.addEventListener('abort', end, { once: true });
      if (events.signal.aborted) end();
      return reply;
    },
  );

  api.post(
    '/v1/cluster/transfer',
    {
      schema: {
        operationId: 'transferLeadership',
        summary: 'Has that node be elected, and lead the log',
        tags,
        body: TransferBody,
        response: answers({ 204: Answers.nothing }, [...failing.body, 'NOT_FOUND', 'CONFLICT', 'UNSUPPORTED']),
      },
    },
    async ({ body: { to } }, reply) => {
      await transfer(to);
      return await reply.code(204).send(null);
    },
  );

  api.post(
    '/v1/cluster/leave',
    {
      schema: {
        operationId: 'leave',
        summary: 'Has this node stop: it hands over what it does, gives back what it holds, and ends',
        tags,
        response: answers({ 202: Answers.leaving }, failing.here),
      },
    },
    async (_, reply) => {
      reply.raw.once('finish', leave);
      return await reply.code(202).send({ id: status().id });
    },
  );
}

/** Many look at once, and all are told the same: it is made no more often than this. */
function atMostEach<T>(ms: number, make: () => T): () => T {
  let last: { readonly at: number; readonly value: T } | undefined;
  return () => {
    const at = performance.now();
    if (last === undefined || at - last.at >= ms) last = { at, value: make() };
    return last.value;
  };
}
