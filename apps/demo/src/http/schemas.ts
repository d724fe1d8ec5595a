import { type Static, Type } from 'typebox';
import { BROKER_LIMITS as LIMITS } from '../broker/limits.ts';
import { PROBLEM_CODES, type ProblemDetails } from './problem.ts';

/** Of what one request publishes, in bytes of bodies, ids, keys and headers: what one command may have. */
export const MAX_PUBLISH_BYTES = 229_376;
/** Of what one request receives. */
export const MAX_RECEIVE = 256;
const MAX_WAIT_MS = 60_000;
const MAX_VISIBILITY_MS = 43_200_000;

const strict = { additionalProperties: false } as const;
const NAME = '[A-Za-z0-9._-]{1,100}';

const Name = Type.String({ pattern: `^${NAME}$` });
/** Those of subscriptions are named `topic:subscription`. */
const QueueName = Type.String({ pattern: `^${NAME}(:${NAME})?$` });
const VisibilityMs = Type.Integer({ minimum: 1, maximum: MAX_VISIBILITY_MS });
const DelayMs = Type.Integer({ minimum: 0, maximum: LIMITS.delayMs });
/** Of several clients those go with one command: none may be so long that it leaves no room for the others. */
const Receipt = Type.String({ pattern: '^[!-~]{1,32}$' });
const Receipts = Type.Array(Receipt, { minItems: 1, maxItems: LIMITS.batch });
const Encoding = Type.Literal('base64', {
  description: 'Of the body. Without it, it is a text, which is kept in UTF-8.',
});

export const QueueParams = Type.Object({ queue: QueueName }, strict);
export const TopicParams = Type.Object({ topic: Name }, strict);
export const SubscriptionParams = Type.Object({ topic: Name, subscription: Name }, strict);

const optionFields = {
  fifo: Type.Boolean({
    default: false,
    description: 'Messages of one key are handed out one after the other, in the order in which they were accepted.',
  }),
  visibilityMs: Type.Integer({
    minimum: 1,
    maximum: MAX_VISIBILITY_MS,
    default: 30_000,
    description: "For how long a delivery is its consumer's alone, unless extended.",
  }),
  maxDeliveries: Type.Integer({
    minimum: 1,
    maximum: 1000,
    default: 16,
    description: 'After so many deliveries a message goes to the dead letters, or is dropped and counted.',
  }),
  deadLetterQueue: Name,
  deduplicationMs: Type.Integer({
    minimum: 0,
    maximum: LIMITS.delayMs,
    default: 300_000,
    description: 'For how long the id of a message is remembered, from when it was accepted.',
  }),
  maxMessages: Type.Integer({
    minimum: 1,
    maximum: LIMITS.messages,
    default: 100_000,
    description: 'Beyond it publishing is refused as FULL.',
  }),
};

const QueueOptions = Type.Object({ ...optionFields, deadLetterQueue: Type.Optional(optionFields.deadLetterQueue) });

/** What is left out has its default. */
const GivenOptions = Type.Object(
  {
    fifo: Type.Optional(optionFields.fifo),
    visibilityMs: Type.Optional(optionFields.visibilityMs),
    maxDeliveries: Type.Optional(optionFields.maxDeliveries),
    deadLetterQueue: Type.Optional(optionFields.deadLetterQueue),
    deduplicationMs: Type.Optional(optionFields.deduplicationMs),
    maxMessages: Type.Optional(optionFields.maxMessages),
  },
  strict,
);

export const MakeQueue = Type.Object({ options: Type.Optional(GivenOptions) }, strict);
export type MakeQueue = Static<typeof MakeQueue>;

const Headers = Type.Record(Type.String(), Type.String(), { maxProperties: LIMITS.headers });

const GivenMessage = Type.Object(
  {
    id: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: LIMITS.idLength,
        description: 'Said again within the time of deduplication, the message is accepted once. Made up where absent.',
      }),
    ),
    body: Type.String(),
    encoding: Type.Optional(Encoding),
    key: Type.Optional(Type.String({ maxLength: LIMITS.keyLength, description: 'For fifo queues only.' })),
    priority: Type.Optional(Type.Integer({ minimum: 0, maximum: 9, default: 4, description: '9 first.' })),
    delayMs: Type.Optional(DelayMs),
    headers: Type.Optional(Headers),
  },
  strict,
);
export type GivenMessage = Static<typeof GivenMessage>;

export const PublishBody = Type.Object(
  { messages: Type.Array(GivenMessage, { minItems: 1, maxItems: LIMITS.batch }) },
  strict,
);

export const ReceiveBody = Type.Object(
  {
    consumer: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    max: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_RECEIVE, default: 1 })),
    waitMs: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: MAX_WAIT_MS,
        default: 0,
        description: 'How long to wait for the first one.',
      }),
    ),
    visibilityMs: Type.Optional(VisibilityMs),
  },
  strict,
);
export type ReceiveBody = Static<typeof ReceiveBody>;

export const AcknowledgeBody = Type.Object({ receipts: Receipts }, strict);
export const RejectBody = Type.Object({ receipts: Receipts, delayMs: Type.Optional(DelayMs) }, strict);
export const ExtendBody = Type.Object({ receipts: Receipts, visibilityMs: VisibilityMs }, strict);

export const StreamQuery = Type.Object(
  {
    consumer: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    prefetch: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_RECEIVE, default: 10 })),
    visibilityMs: Type.Optional(VisibilityMs),
  },
  strict,
);
export type StreamQuery = Static<typeof StreamQuery>;

export const TransferBody = Type.Object({ to: Type.String({ minLength: 1, maxLength: 128 }) }, strict);

const QueueStatus = Type.Object(
  {
    name: QueueName,
    options: QueueOptions,
    ready: Type.Integer({ description: 'Could be handed out, or follow others of their key.' }),
    delayed: Type.Integer(),
    inFlight: Type.Integer(),
    accepted: Type.Integer({ description: 'In all since the queue was made, like those below.' }),
    acknowledged: Type.Integer(),
    duplicates: Type.Integer(),
    deliveries: Type.Integer(),
    redeliveries: Type.Integer(),
    deadLettered: Type.Integer(),
    dropped: Type.Integer(),
  },
  { $id: 'QueueStatus' },
);

const Delivery = Type.Object(
  {
    receipt: Type.String({ description: 'Of this delivery alone: to settle or extend it.' }),
    id: Type.String(),
    sequence: Type.Integer(),
    body: Type.String(),
    encoding: Type.Optional(Encoding),
    key: Type.Optional(Type.String()),
    priority: Type.Integer(),
    headers: Type.Record(Type.String(), Type.String()),
    attempt: Type.Integer({ description: 'The how-manieth delivery of this message, from 1.' }),
  },
  { $id: 'Delivery' },
);

const TopicStatus = Type.Object(
  { name: Type.String(), subscriptions: Type.Array(Type.String()), accepted: Type.Integer() },
  { $id: 'TopicStatus' },
);

const ProblemSchema = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: Type.Enum([...PROBLEM_CODES]),
    requestId: Type.String(),
    outcome: Type.Optional(
      Type.Enum(['not-applied', 'unknown'], {
        description: 'Where a write was under way: certainly nothing of it was done, or nobody can tell.',
      }),
    ),
  },
  { $id: 'Problem', description: 'Problem details (RFC 9457).' },
);

const id = Type.String();
const count = Type.Integer();
const NodeStatus = Type.Object(
  {
    id,
    cluster: Type.String(),
    members: Type.Array(
      Type.Object({ id, address: Type.String(), state: Type.Enum(['alive', 'suspect', 'unreachable', 'left']) }),
    ),
    elected: Type.Optional(Type.Object({ id, token: Type.String() })),
    replication: Type.Optional(
      Type.Object({
        role: Type.Enum(['leader', 'follower', 'candidate', 'learner']),
        leader: Type.Optional(id),
        term: count,
        commitIndex: count,
        appliedIndex: count,
        peers: Type.Array(Type.Object({ id, matchIndex: count, lag: count })),
      }),
    ),
    queues: Type.Array(Type.Unsafe<Static<typeof QueueStatus>>({ $ref: 'QueueStatus#' })),
    requests: Type.Object({ published: count, delivered: count, acknowledged: count, failed: count }),
  },
  { $id: 'NodeStatus', description: 'What one node sees.' },
);

/** What answers refer to. */
export const sharedSchemas = [QueueStatus, Delivery, TopicStatus, ProblemSchema, NodeStatus];

const ref = <T>(name: string) => Type.Unsafe<T>({ $ref: `${name}#` });

export const Answers = {
  queue: ref<Static<typeof QueueStatus>>('QueueStatus'),
  queues: Type.Object({ queues: Type.Array(ref<Static<typeof QueueStatus>>('QueueStatus')) }),
  topic: Type.Object({ name: Type.String() }),
  topics: Type.Object({ topics: Type.Array(ref<Static<typeof TopicStatus>>('TopicStatus')) }),
  published: Type.Object({
    messages: Type.Array(Type.Object({ id, sequence: count, duplicate: Type.Boolean() })),
  }),
  deliveries: Type.Object({ deliveries: Type.Array(ref<Static<typeof Delivery>>('Delivery')) }),
  settled: Type.Object({ settled: Type.Array(Type.Enum(['done', 'unknown-receipt'])) }),
  status: ref<Static<typeof NodeStatus>>('NodeStatus'),
  problem: ref<ProblemDetails>('Problem'),
  leaving: Type.Object({ id }),
  nothing: Type.Null({ description: 'Done.' }),
};
