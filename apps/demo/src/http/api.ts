import { type AddressInfo } from 'node:net';
import swagger from '@fastify/swagger';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { Ajv } from 'ajv';
import {
  fastify,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from 'fastify';
import type { Health } from '@quorate/coordination';
import { type Address, formatAddress } from '@quorate/core';
import type { NodeStatus } from '../broker/node-status.ts';
import type { Broker } from './broker.ts';
import { clusterRoutes } from './cluster-routes.ts';
import { consumerRoutes } from './consumer-routes.ts';
import type { Dispatchers } from './dispatchers.ts';
import type { EventStream } from './event-stream.ts';
import type { Guard } from './guard.ts';
import type { LocalView } from './local-view.ts';
import type { NodeEvent } from './node-event.ts';
import { openapi } from './openapi.ts';
import { probeRoutes } from './probe-routes.ts';
import { Problem, problemOf } from './problem.ts';
import { queueRoutes } from './queue-routes.ts';
import { acceptedRequestId } from './request-id.ts';
import type { RequestCounts } from './requests.ts';
import { sharedSchemas } from './schemas.ts';
import type { Settlements } from './settlements.ts';
import { topicRoutes } from './topic-routes.ts';

/** What the API stands on. */
export interface ApiParts {
  readonly guard: Guard;
  readonly broker: Broker;
  readonly local: LocalView;
  readonly dispatchers: Dispatchers;
  readonly settlements: Settlements;
  readonly counts: RequestCounts;
  readonly health: Pick<Health, 'report'>;
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  /** Of what happens, open now: to be closed with the node. */
  readonly streams: Set<EventStream>;
  readonly status: () => NodeStatus;
  /** Calls back with what happens on this node. */
  readonly onEvent: (listener: (event: NodeEvent) => void) => Disposable;
  /** Has that node lead. */
  readonly transfer: (to: string) => Promise<void>;
  /** Begins to stop this node. */
  readonly leave: () => void;
  /** A connection on which nothing moves for so long, though there is a request, is closed: longer than any of them waits. */
  readonly idleMs: number;
  /** Told of what has failed here, apart from what clients do wrong. */
  readonly onFault: (error: unknown, what: string) => void;
}

export type Api = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** Bodies are JSON, base64 among it; what publishes more has several requests. */
const MAX_BODY_BYTES = 1024 * 1024;
const MAX_CONNECTIONS = 10_000;
/** Of a request to come in. */
const REQUEST_MS = 30_000;
/** Longer than what stands in front of it keeps one. */
const KEEP_ALIVE_MS = 72_000;

/** The HTTP API of one node, not yet listening. */
export async function createApi(parts: ApiParts): Promise<Api> {
  const api = fastify({
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_MS,
    // Who doesn't read an answer would have its place among those under way for ever.
    connectionTimeout: parts.idleMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    genReqId: acceptedRequestId,
    routerOptions: { maxParamLength: 256 },
    frameworkErrors: (error, request, reply) => {
      void reply.header('x-request-id', request.id);
      sendProblem(reply, problemOf(error), request.id);
    },
  }).withTypeProvider<TypeBoxTypeProvider>();
  api.server.maxConnections = MAX_CONNECTIONS;
  api.removeContentTypeParser('text/plain');
  strictValidation(api);
  failures(api, parts);
  api.addHook('onRequest', parts.guard.check);
  for (const schema of sharedSchemas) api.addSchema(schema);
  await api.register(swagger, openapi);
  probeRoutes(api, parts);
  queueRoutes(api, parts);
  topicRoutes(api, parts);
  consumerRoutes(api, parts);
  clusterRoutes(api, parts);
  api.get('/openapi.json', { schema: { hide: true } }, () => api.swagger());
  await api.ready();
  return api;
}

/** @returns where it listens, as `http://host:port` */
export async function listen(api: Api, { host, port }: Address): Promise<string> {
  await api.listen({ host, port });
  const bound = api.server.address() as AddressInfo;
  return `http://${formatAddress({ host, port: bound.port })}`;
}

/** Nothing unknown is taken, and nothing made of what it isn't; but what stands in a URL is text. */
function strictValidation(api: Api): void {
  const strict = new Ajv({ strict: true });
  const ofTexts = new Ajv({ strict: true, coerceTypes: true });
  api.setValidatorCompiler(({ schema, httpPart }) => (httpPart === 'querystring' ? ofTexts : strict).compile(schema));
  api.setSchemaErrorFormatter(([error], where) => {
    const unknown: unknown = error?.params['additionalProperty'];
    const what = typeof unknown === 'string' ? `has the unknown field ${JSON.stringify(unknown)}` : error?.message;
    return new Problem('INVALID', `${where}${error?.instancePath ?? ''} ${what ?? 'is invalid'}`, {
      outcome: 'not-applied',
    });
  });
}

function failures(api: Api, { counts, onFault }: ApiParts): void {
  api.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error);
    counts.failed += 1;
    if (problem.code === 'INTERNAL') onFault(problem.cause ?? error, `${request.method} ${request.url}`);
    sendProblem(reply, problem, request.id);
  });
  api.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0];
    sendProblem(reply, new Problem('NOT_FOUND', `there is no ${request.method} ${path}`), request.id);
  });
}

function sendProblem(reply: FastifyReply, problem: Problem, requestId: string): void {
  void reply.code(problem.status).header('content-type', 'application/problem+json; charset=utf-8');
  if (problem.retryAfter !== undefined) void reply.header('retry-after', problem.retryAfter);
  if (problem.code === 'STOPPING') void reply.header('connection', 'close');
  if (problem.code === 'UNAUTHORIZED') void reply.header('www-authenticate', 'Bearer');
  void reply.send(JSON.stringify(problem.details(requestId)));
}
