import { type Address, ClusterError, formatAddress, settleWithin } from '@quorate/core';
import {
  Etcd3,
  type IAuthenticateRequest,
  type IAuthenticateResponse,
  type ILeaseGrantRequest,
  type ILeaseGrantResponse,
  type ILeaseKeepAliveRequest,
  type ILeaseKeepAliveResponse,
  type ILeaseRevokeRequest,
  type ILeaseRevokeResponse,
  type IOptions,
  type IRangeRequest,
  type IRangeResponse,
  type ITxnRequest,
  type ITxnResponse,
  type IWatchRequest,
  type IWatchResponse,
} from 'etcd3';

import type { EtcdTls } from './engine-options.ts';
import { etcdError } from './etcd-failure.ts';

/** The calls of etcd that answer once. */
export interface Calls {
  readonly range: Call<'KV', IRangeRequest, IRangeResponse>;
  readonly txn: Call<'KV', ITxnRequest, ITxnResponse>;
  readonly leaseGrant: Call<'Lease', ILeaseGrantRequest, ILeaseGrantResponse>;
  readonly leaseRevoke: Call<'Lease', ILeaseRevokeRequest, ILeaseRevokeResponse>;
  readonly authenticate: Call<'Auth', IAuthenticateRequest, IAuthenticateResponse>;
}

/** The calls in which both sides send as they like. */
export interface Streams {
  readonly watch: Call<'Watch', IWatchRequest, IWatchResponse>;
  readonly leaseKeepAlive: Call<'Lease', ILeaseKeepAliveRequest, ILeaseKeepAliveResponse>;
}

interface Call<S extends Service, Q, A> {
  readonly service: S;
  readonly request: Q;
  readonly answer: A;
}

type Service = 'KV' | 'Lease' | 'Watch' | 'Auth';

const SERVICE_OF: { readonly [C in keyof Calls]: Calls[C]['service'] } & {
  readonly [C in keyof Streams]: Streams[C]['service'];
} = {
  range: 'KV',
  txn: 'KV',
  leaseGrant: 'Lease',
  leaseRevoke: 'Lease',
  authenticate: 'Auth',
  watch: 'Watch',
  leaseKeepAlive: 'Lease',
};

export interface CallDetails {
  readonly signal: AbortSignal;
  /** Of a login, where etcd has users. */
  readonly token: string | undefined;
}

/** A stream that is open. What it tells after `close` is dropped. */
export interface OpenStream<Q> {
  send(request: Q): void;
  /** Idempotent. */
  close(): void;
}

export interface StreamEvents<A> {
  answer(answer: A): void;
  /** Called once, unless closed before. */
  end(error: Error): void;
}

/**
 * The connection to one member, which gRPC makes when it is first needed and renews when it breaks. Of the client
 * `etcd3` this takes the messages and the channels alone: no retries, breaker, logins, leases or watches of its own.
 */
export class MemberConnection implements Disposable {
  readonly name: string;
  readonly #channels: Promise<Channels>;
  readonly #clients = new Set<GrpcClient>();
  #closed = false;

  /** @param generation differs among connections to one member, that a new one doesn't get the socket of the former */
  constructor(member: Address, tls: EtcdTls | undefined, generation: number) {
    this.name = formatAddress(member);
    this.#channels = ChannelSource.open(this.name, tls, generation);
    this.#channels.then(
      // The one that comes with it, whether or not it is ever used.
      ({ host }) => void this.#client(host, 'KV'),
      () => undefined,
    );
  }

  /** @throws ClusterError as of `etcdError`; `ABORTED` */
  async call<C extends keyof Calls>(
    name: C,
    request: Calls[C]['request'],
    { signal, token }: CallDetails,
  ): Promise<Calls[C]['answer']> {
    const what = `etcd at ${this.name}: ${name}`;
    const { client, metadata } = await this.#prepare(name, token, signal, what);
    return settleWithin<Calls[C]['answer']>(signal, what, (resolve, reject) => {
      const call = client[name]?.(request, metadata, {}, (error, answer) => {
        if (error !== null) reject(etcdError(error, what));
        else if (hasHeader(answer)) resolve(answer as Calls[C]['answer']);
        else reject(new ClusterError('PROTOCOL', `${what}: the answer is not one of etcd`));
      });
      return () => call?.cancel();
    });
  }

  /** Opens a stream; `metadata` of etcd's own asks it to end the stream when the member has no leader. */
  async stream<C extends keyof Streams>(
    name: C,
    events: StreamEvents<Streams[C]['answer']>,
    { signal, token }: CallDetails,
  ): Promise<OpenStream<Streams[C]['request']>> {
    const what = `etcd at ${this.name}: ${name}`;
    const { client, metadata } = await this.#prepare(name, token, signal, what);
    metadata.set('hasleader', 'true');
    const stream = (client as unknown as StreamingClient)[name]?.(metadata, {});
    if (stream === undefined) throw etcdError(new Error('there is no such call'), what);
    return guardStream(stream, events, what);
  }

  /** Ends the calls under way and closes the socket. Idempotent. */
  [Symbol.dispose](): void {
    this.#closed = true;
    for (const client of this.#clients) client.close();
    this.#clients.clear();
  }

  #client(host: Channels['host'], service: Service): GrpcClient {
    const client = host.getServiceClient(service) as GrpcClient;
    if (this.#closed) client.close();
    else this.#clients.add(client);
    return client;
  }

  async #prepare(name: keyof Calls | keyof Streams, token: string | undefined, signal: AbortSignal, what: string) {
    const { host, empty } = await this.#channels.catch((error: unknown) => {
      throw etcdError(error, what);
    });
    if (this.#closed) throw etcdError({ code: UNAVAILABLE, details: 'the connection was closed' }, what);
    signal.throwIfAborted();
    const client = this.#client(host, SERVICE_OF[name]);
    const metadata = empty.clone();
    if (token !== undefined) metadata.set('token', token);
    return { client, metadata };
  }
}

/** All answers of etcd have one. Messages of gRPC may lack whatever they are described with. */
function hasHeader(answer: unknown): boolean {
  return typeof answer === 'object' && answer !== null && 'header' in answer && Boolean(answer.header);
}

const UNAVAILABLE = 14;

/** A client of a service as gRPC makes it from its description: a method by each call's name. */
type GrpcClient = Record<
  string,
  (
    request: unknown,
    metadata: unknown,
    options: object,
    callback: (error: Error | null, answer: unknown) => void,
  ) => { cancel(): void }
> & { close(): void };

type StreamingClient = Record<string, (metadata: unknown, options: object) => GrpcStream>;

interface GrpcStream {
  on(event: 'data', listener: (answer: unknown) => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
  on(event: 'end', listener: () => void): void;
  write(request: unknown): void;
  cancel(): void;
}

interface Channels {
  readonly host: { getServiceClient(name: Service): unknown };
  readonly empty: Metadata;
}

interface Metadata {
  clone(): Metadata;
  set(key: string, value: string): void;
}

const KEEPALIVE_MS = 10_000;
const MAX_ANSWER_BYTES: number = 8 * 1024 * 1024;

/** Lends out what `etcd3` keeps to itself: the channels of a host. Nothing is sent by it. */
class ChannelSource extends Etcd3 {
  static open(place: string, tls: EtcdTls | undefined, generation: number): Promise<Channels> {
    const grpcOptions = {
      // Below 5 s etcd ends the connection. For what is quicker there are deadlines and signs of life.
      'grpc.keepalive_time_ms': KEEPALIVE_MS,
      'grpc.keepalive_timeout_ms': KEEPALIVE_MS / 2,
      // By default the pause between attempts to connect grows to two minutes.
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1_000,
      'grpc.dns_min_time_between_resolutions_ms': 1_000,
      'grpc.max_receive_message_length': MAX_ANSWER_BYTES,
      // What is repeated is decided here.
      'grpc.enable_retries': 0,
      'quorate.generation': generation,
      ...(tls?.serverName === undefined ? {} : { 'grpc.ssl_target_name_override': tls.serverName }),
    };
    const scheme = tls === undefined ? 'http' : 'https';
    const source = new ChannelSource({ hosts: [`${scheme}://${place}`], grpcOptions, ...credentialsOf(tls) });
    return source.pool.withConnection('KV', ({ resource, metadata }) => ({ host: resource, empty: metadata }));
  }
}

function credentialsOf(tls: EtcdTls | undefined): Pick<IOptions, 'credentials'> {
  if (tls === undefined) return {};
  const { ca, cert, key } = tls;
  const pem = (text: string | undefined) => (text === undefined ? undefined : Buffer.from(text));
  // Its type asks for an authority; gRPC takes those of Node.js where there is none.
  const credentials = { rootCertificate: pem(ca), privateKey: pem(key), certChain: pem(cert) };
  return { credentials: credentials as NonNullable<IOptions['credentials']> };
}

/** No error of a listener reaches gRPC, and none of the stream goes without a listener, which would end the process. */
function guardStream(stream: GrpcStream, events: StreamEvents<unknown>, what: string): OpenStream<unknown> {
  let open = true;
  const close = () => {
    if (!open) return false;
    open = false;
    stream.cancel();
    return true;
  };
  const fail = (error: unknown) => {
    if (close()) events.end(etcdError(error, what));
  };
  stream.on('error', fail);
  stream.on('end', () => fail({ code: UNAVAILABLE, details: 'the member ended the stream' }));
  stream.on('data', (answer) => {
    if (!open) return;
    try {
      events.answer(answer);
    } catch (error) {
      fail(error);
    }
  });
  const send = (request: unknown) => {
    if (open) stream.write(request);
  };
  return { send, close: () => void close() };
}
