import type { FastifyReply, FastifyRequest } from 'fastify';
import type { QueueName } from '../broker/commands.ts';
import { answers, eventsOf, failing } from './answers.ts';
import type { Api, ApiParts } from './api.ts';
import { DeliveryStream } from './delivery-stream.ts';
import { EventStream } from './event-stream.ts';
import { LongPoll } from './long-poll.ts';
import { type ShownDelivery, shownDelivery } from './messages.ts';
import { mustExist } from './queue-routes.ts';
import {
  AcknowledgeBody,
  Answers,
  ExtendBody,
  QueueParams,
  ReceiveBody,
  RejectBody,
  StreamQuery,
  SubscriptionParams,
} from './schemas.ts';

/** Receiving and settling, of a queue and of a subscription's. */
export function consumerRoutes(api: Api, parts: ApiParts): void {
  consumersOf(api, parts, {
    path: '/v1/queues/:queue',
    params: QueueParams,
    name: 'Queue',
    queueOf: (params) => (params as { readonly queue: QueueName }).queue,
  });
  consumersOf(api, parts, {
    path: '/v1/topics/:topic/subscriptions/:subscription',
    params: SubscriptionParams,
    name: 'Subscription',
    queueOf: (params) => {
      const { topic, subscription } = params as { readonly topic: string; readonly subscription: string };
      return `${topic}:${subscription}`;
    },
  });
}

interface Below {
  readonly path: string;
  readonly params: typeof QueueParams | typeof SubscriptionParams;
  readonly name: string;
  readonly queueOf: (params: unknown) => QueueName;
}

/** Long polls and streams are bounded by themselves. */
const config = { waits: true };
const settling = [...failing.body, 'NOT_FOUND'] as const;

function consumersOf(api: Api, parts: ApiParts, { path, params, name, queueOf }: Below): void {
  const { settlements, counts } = parts;
  const tags = ['consumers'];

  api.post(
    `${path}/receive`,
    {
      config,
      schema: {
        operationId: `receiveFrom${name}`,
        summary: 'Takes deliveries, waiting for the first one if asked to',
        description:
          'Each is this consumer’s alone for the time of visibility. One that is not settled by then comes again.',
        tags,
        params,
        body: ReceiveBody,
        response: answers({ 200: Answers.deliveries }, [...failing.body, 'NOT_FOUND']),
      },
    },
    async (request, reply) => ({
      deliveries: await receive(parts, queueOf(request.params), request.body, { request, reply }),
    }),
  );

  api.post(
    `${path}/acknowledge`,
    {
      schema: {
        operationId: `acknowledgeIn${name}`,
        summary: 'Says of deliveries that they are done with',
        tags,
        params,
        body: AcknowledgeBody,
        response: answers({ 200: Answers.settled }, settling),
      },
    },
    async (request) => {
      const { receipts } = request.body;
      const settled = await settlements.settle({ type: 'acknowledge', queue: queueOf(request.params), receipts });
      counts.acknowledged += settled.filter((each) => each === 'done').length;
      return { settled: [...settled] };
    },
  );

  api.post(
    `${path}/reject`,
    {
      schema: {
        operationId: `rejectIn${name}`,
        summary: 'Gives deliveries back, to be handed out again after a while',
        tags,
        params,
        body: RejectBody,
        response: answers({ 200: Answers.settled }, settling),
      },
    },
    async (request) => {
      const { receipts, delayMs = 0 } = request.body;
      const queue = queueOf(request.params);
      return { settled: [...(await settlements.settle({ type: 'reject', queue, receipts, delayMs }))] };
    },
  );

  api.post(
    `${path}/extend`,
    {
      schema: {
        operationId: `extendIn${name}`,
        summary: 'Keeps deliveries for longer: for this time from now',
        tags,
        params,
        body: ExtendBody,
        response: answers({ 200: Answers.settled }, settling),
      },
    },
    async (request) => {
      const { receipts, visibilityMs } = request.body;
      const queue = queueOf(request.params);
      return { settled: [...(await settlements.settle({ type: 'extend', queue, receipts, visibilityMs }))] };
    },
  );

  api.get(
    `${path}/deliveries`,
    {
      config,
      exposeHeadRoute: false,
      schema: {
        operationId: `streamOf${name}`,
        summary: 'Deliveries as server-sent events',
        description:
          'Each is an event `delivery`, of the form of those of receive; at most `prefetch` are not yet settled. When ' +
          'the connection ends, those that are left are given back. An event `problem` comes before an end for good.',
        tags,
        params,
        querystring: StreamQuery,
        response: answers({ 200: eventsOf('Events `delivery` and `problem`.') }, [...failing.read, 'NOT_FOUND']),
      },
    },
    async (request, reply) => {
      await openStream(parts, queueOf(request.params), request.query, { request, reply });
      return reply;
    },
  );
}

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

async function receive(
  { dispatchers, counts }: ApiParts,
  queue: QueueName,
  { consumer, max = 1, waitMs = 0, visibilityMs }: ReceiveBody,
  { request, reply }: Exchange,
): Promise<ShownDelivery[]> {
  using _ = dispatchers.enter();
  const dispatcher = dispatchers.of(queue);
  const poll = new LongPoll(dispatcher, { name: consumer ?? request.id, max, waitMs, visibilityMs });
  let receipts: readonly string[] = [];
  reply.raw.once('close', () => {
    poll.end();
    if (!reply.raw.writableFinished) dispatchers.of(queue).giveBack(receipts);
  });
  const deliveries = await poll.deliveries;
  if (deliveries.length === 0) return [];
  receipts = deliveries.map(({ receipt }) => receipt);
  if (reply.raw.closed) {
    dispatcher.giveBack(receipts);
    return [];
  }
  counts.delivered += deliveries.length;
  return deliveries.map(shownDelivery);
}

/** @throws Problem before it has begun; afterwards it is told as an event */
async function openStream(
  { dispatchers, counts, broker, local }: ApiParts,
  queue: QueueName,
  { consumer, prefetch = 10, visibilityMs }: StreamQuery,
  { request, reply }: Exchange,
): Promise<void> {
  const entered = dispatchers.enter();
  try {
    if (!local.has(queue)) await mustExist(broker, queue);
    dispatchers.throwIfClosed();
  } catch (error) {
    entered[Symbol.dispose]();
    throw error;
  }
  reply.hijack();
  const events = new EventStream(reply.raw, { 'x-request-id': request.id });
  events.signal.addEventListener('abort', () => entered[Symbol.dispose](), { once: true });
  if (events.signal.aborted) entered[Symbol.dispose]();
  void new DeliveryStream(events, dispatchers.of(queue), {
    name: consumer ?? request.id,
    prefetch,
    visibilityMs,
    requestId: request.id,
    onSent: (count) => (counts.delivered += count),
    caughtUp: () => broker.caughtUp(queue),
  });
}
