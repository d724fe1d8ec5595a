import { DEFAULT_QUEUE_OPTIONS, type QueueOptions } from '../broker/commands.ts';
import { answers, failing } from './answers.ts';
import type { Api, ApiParts } from './api.ts';
import { messagesFrom } from './messages.ts';
import { makeQueue } from './queue-routes.ts';
import { Answers, MakeQueue, PublishBody, SubscriptionParams, TopicParams } from './schemas.ts';

/** `/v1/topics`: topics, their subscriptions, and publishing to all of them. */
export function topicRoutes(api: Api, parts: ApiParts): void {
  topics(api, parts);
  subscriptions(api, parts);
}

function topics(api: Api, { broker, counts }: ApiParts): void {
  api.put(
    '/v1/topics/:topic',
    {
      schema: {
        operationId: 'makeTopic',
        summary: 'Makes a topic, unless it is there',
        tags: ['topics'],
        params: TopicParams,
        response: answers({ 200: Answers.topic, 201: Answers.topic }, [...failing.write, 'FULL']),
      },
    },
    async ({ params: { topic } }, reply) => {
      const { changed } = await broker.run({ type: 'create-topic', topic }, 'done');
      return await reply.code(changed ? 201 : 200).send({ name: topic });
    },
  );

  api.get(
    '/v1/topics',
    {
      schema: {
        operationId: 'listTopics',
        summary: 'All topics with their subscriptions',
        tags: ['topics'],
        response: answers({ 200: Answers.topics }, failing.read),
      },
    },
    async () => {
      const answer = await broker.ask({ type: 'topics' });
      return { topics: answer.topics.map((topic) => ({ ...topic, subscriptions: [...topic.subscriptions] })) };
    },
  );

  api.delete(
    '/v1/topics/:topic',
    {
      schema: {
        operationId: 'deleteTopic',
        summary: 'Removes a topic with its subscriptions, and all that is in them',
        tags: ['topics'],
        params: TopicParams,
        response: answers({ 204: Answers.nothing }, [...failing.write, 'NOT_FOUND']),
      },
    },
    async ({ params: { topic } }, reply) => {
      await broker.run({ type: 'delete-topic', topic }, 'done');
      return await reply.code(204).send(null);
    },
  );

  api.post(
    '/v1/topics/:topic/messages',
    {
      schema: {
        operationId: 'publishToTopic',
        summary: 'Publishes messages to all subscriptions: to each, or to none',
        tags: ['messages', 'topics'],
        params: TopicParams,
        body: PublishBody,
        response: answers({ 201: Answers.published }, [...failing.body, 'NOT_FOUND', 'FULL']),
      },
    },
    async ({ params: { topic }, body }, reply) => {
      const messages = messagesFrom(body.messages);
      const published = await broker.run({ type: 'publish-to-topic', topic, messages }, 'published');
      counts.published += messages.length;
      return await reply.code(201).send({ messages: [...published.messages] });
    },
  );
}

function subscriptions(api: Api, { broker }: ApiParts): void {
  api.put(
    '/v1/topics/:topic/subscriptions/:subscription',
    {
      schema: {
        operationId: 'subscribe',
        summary: 'Makes a durable subscription, unless it is there with these options',
        description: 'It gets what is published from then on, in a queue of its own named `topic:subscription`.',
        tags: ['topics'],
        params: SubscriptionParams,
        body: MakeQueue,
        response: answers({ 200: Answers.queue, 201: Answers.queue }, [...failing.body, 'EXISTS', 'NOT_FOUND', 'FULL']),
      },
    },
    async ({ params: { topic, subscription }, body }, reply) => {
      const options = { ...DEFAULT_QUEUE_OPTIONS, ...body.options } as QueueOptions;
      const command = { type: 'subscribe', topic, subscription, options } as const;
      const made = await makeQueue(broker, `${topic}:${subscription}`, command);
      return await reply.code(made.isNew ? 201 : 200).send(made.queue);
    },
  );

  api.delete(
    '/v1/topics/:topic/subscriptions/:subscription',
    {
      schema: {
        operationId: 'unsubscribe',
        summary: 'Removes a subscription with all that is in its queue',
        tags: ['topics'],
        params: SubscriptionParams,
        response: answers({ 204: Answers.nothing }, [...failing.write, 'NOT_FOUND']),
      },
    },
    async ({ params: { topic, subscription } }, reply) => {
      await broker.run({ type: 'unsubscribe', topic, subscription }, 'done');
      return await reply.code(204).send(null);
    },
  );
}
