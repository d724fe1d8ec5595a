import { type Command, DEFAULT_QUEUE_OPTIONS, type QueueName, type QueueOptions } from '../broker/commands.ts';
import { answers, failing } from './answers.ts';
import type { Api, ApiParts } from './api.ts';
import type { Broker } from './broker.ts';
import { messagesFrom } from './messages.ts';
import { Problem, problemOf } from './problem.ts';
import { Answers, MakeQueue, PublishBody, QueueParams } from './schemas.ts';
import type { QueueStatus } from '../broker/queries.ts';

/** `/v1/queues`: making and removing queues, looking at them, and publishing. */
export function queueRoutes(api: Api, { broker, counts }: ApiParts): void {
  api.put(
    '/v1/queues/:queue',
    {
      schema: {
        operationId: 'makeQueue',
        summary: 'Makes a queue, unless it is there with these options',
        tags: ['queues'],
        params: QueueParams,
        body: MakeQueue,
        response: answers({ 200: Answers.queue, 201: Answers.queue }, [...failing.body, 'EXISTS', 'FULL']),
      },
    },
    async ({ params: { queue }, body }, reply) => {
      const options = { ...DEFAULT_QUEUE_OPTIONS, ...body.options } as QueueOptions;
      const made = await makeQueue(broker, queue, { type: 'create-queue', queue, options });
      return await reply.code(made.isNew ? 201 : 200).send(made.queue);
    },
  );

  api.get(
    '/v1/queues',
    {
      schema: {
        operationId: 'listQueues',
        summary: 'All queues, those of subscriptions among them',
        tags: ['queues'],
        response: answers({ 200: Answers.queues }, failing.read),
      },
    },
    async () => {
      const { queues } = await broker.ask({ type: 'queues' });
      return { queues: [...queues] };
    },
  );

  api.get(
    '/v1/queues/:queue',
    {
      schema: {
        operationId: 'getQueue',
        summary: 'One queue',
        tags: ['queues'],
        params: QueueParams,
        response: answers({ 200: Answers.queue }, [...failing.read, 'NOT_FOUND']),
      },
    },
    async ({ params: { queue } }) => await mustExist(broker, queue),
  );

  api.delete(
    '/v1/queues/:queue',
    {
      schema: {
        operationId: 'deleteQueue',
        summary: 'Removes a queue with all that is in it',
        tags: ['queues'],
        params: QueueParams,
        response: answers({ 204: Answers.nothing }, [...failing.write, 'NOT_FOUND']),
      },
    },
    async ({ params: { queue } }, reply) => {
      await broker.run({ type: 'delete-queue', queue }, 'done');
      return await reply.code(204).send(null);
    },
  );

  api.post(
    '/v1/queues/:queue/purge',
    {
      schema: {
        operationId: 'purgeQueue',
        summary: 'Drops all messages of a queue',
        tags: ['queues'],
        params: QueueParams,
        response: answers({ 204: Answers.nothing }, [...failing.write, 'NOT_FOUND']),
      },
    },
    async ({ params: { queue } }, reply) => {
      await broker.run({ type: 'purge-queue', queue }, 'done');
      return await reply.code(204).send(null);
    },
  );

  api.post(
    '/v1/queues/:queue/messages',
    {
      schema: {
        operationId: 'publish',
        summary: 'Publishes messages: all of them, or none',
        tags: ['messages'],
        params: QueueParams,
        body: PublishBody,
        response: answers({ 201: Answers.published }, [...failing.body, 'NOT_FOUND', 'FULL']),
      },
    },
    async ({ params: { queue }, body }, reply) => {
      const messages = messagesFrom(body.messages);
      const published = await broker.run({ type: 'publish', queue, messages }, 'published');
      counts.published += messages.length;
      return await reply.code(201).send({ messages: [...published.messages] });
    },
  );
}

/**
 * Makes a queue by a command that does.
 * @throws Problem `EXISTS` where it is there with other options; where it was made, and could not be looked at, with the
 *   outcome `unknown`
 */
export async function makeQueue(
  broker: Broker,
  queue: QueueName,
  command: Command,
): Promise<{ readonly isNew: boolean; readonly queue: QueueStatus }> {
  const { changed } = await broker.run(command, 'done');
  try {
    return { isNew: changed, queue: await mustExist(broker, queue) };
  } catch (error) {
    throw problemOf(error).afterWrite();
  }
}

/** @throws Problem `NOT_FOUND` */
export async function mustExist(broker: Broker, name: QueueName): Promise<QueueStatus> {
  const { queue } = await broker.ask({ type: 'queue', queue: name });
  if (queue !== undefined) return queue;
  throw new Problem('NOT_FOUND', `there is no queue ${name}`);
}
