import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { forwardToLeader, httpForwarder, leaderRoutes, type Led } from '@quorate/coordination';
import {
  type Cluster,
  createCluster,
  type LeaderElection,
  type Logger,
  type Random,
  silentLogger,
} from '@quorate/core';
import { type Seed, seededRandom } from '@quorate/simulator';
import { joined, mutate, oneOf } from './mutations.ts';
import { withoutUnhandled } from './watched-rejections.ts';

export interface HttpFuzzResult {
  /** Hostile connections. */
  readonly attempts: number;
  /** Calls of an honest node meanwhile. */
  readonly answered: number;
  /** Of the logs of both nodes. */
  readonly lines: number;
  /** Status codes that strangers got. */
  readonly statuses: ReadonlySet<string>;
}

const STRANGERS = 60;
/** What is begun at one time. */
const AT_ONCE = 8;
const FORWARD = '/quorate/forward';
const MAX_BODY_BYTES = 4096;

const HEADS: readonly string[] = [
  'Content-Length: 5000000',
  'Content-Length: 8\r\nContent-Length: 9',
  'Content-Length: 8\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: chunked',
  'Expect: 100-continue\r\nContent-Length: 8',
  'Upgrade: x\r\nConnection: upgrade',
  'Connection: \u00e9, __proto__,,close\r\n__proto__: x\r\nconstructor: y\r\nContent-Length: 8',
  `quorate-term: ${'9'.repeat(20)}\r\nquorate-hops: ${'9'.repeat(30)}\r\nContent-Length: 8`,
  'quorate-hops: -1\r\nquorate-timeout-ms: 0\r\nquorate-request-id: \u001b\u00ff\r\nContent-Length: 8',
  `Authorization: ${'x'.repeat(9000)}\r\nContent-Length: 8`,
  `Cookie: ${'x'.repeat(30_000)}\r\nContent-Length: 8`,
];
const TARGETS: readonly string[] = [
  FORWARD,
  '/x',
  `http://evil.example${FORWARD}`,
  `//evil.example/..${FORWARD}`,
  '/x?%00%0d%0aSet-Cookie:a=b',
  '*',
  'x',
];
const METHODS: readonly string[] = ['POST', 'GET', 'TRACE', 'CONNECT', 'HEAD', 'DELETE', 'PRI'];

/**
 * A node that leads and one that follows, each behind the same server of HTTP, and strangers who talk to it: the node that
 * follows is answered all the while.
 * @throws Error with the seed when a promise was broken
 */
export async function runHttpFuzz(seed: Seed): Promise<HttpFuzzResult> {
  try {
    return await withoutUnhandled(() => live(seededRandom(seed, 'http')));
  } catch (error) {
    throw new Error(`seed ${JSON.stringify(seed)}`, { cause: error });
  }
}

async function live(random: Random): Promise<HttpFuzzResult> {
  let lines = 0;
  const note = (message: string): void => {
    if (/\p{Cc}/u.test(message)) throw new Error('a log message of more than one line');
    lines += 1;
  };
  const logger: Logger = { ...silentLogger, warn: note, error: note };
  const leader = createCluster({ nodeId: 'a', enabled: false, logger });
  await leader.start();
  const origin = { url: '' };
  const follower = followerOf(leader);
  const urlOf = (): string => origin.url;
  const forwarder = httpForwarder(leader, { fetch, urlOf, maxBodyBytes: MAX_BODY_BYTES });
  const proxy = { mode: 'proxy', fetch, maxBodyBytes: MAX_BODY_BYTES, timeoutMs: 1000, maxHops: 2 } as const;
  const routes = [leaderRoutes(follower, { urlOf }), leaderRoutes(follower, { urlOf, ...proxy })];
  const server = createServer((request, response) => {
    const next = (): void => oneOf(random, routes).nodeHandler(request, response, () => void response.end('led'));
    forwarder.nodeHandler(request, response, next);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  origin.url = `http://127.0.0.1:${port}`;
  const said: Uint8Array[] = [];
  await using asked = forwardToLeader(
    follower,
    { double: (value: number) => value * 2 },
    {
      forwarder: httpForwarder(follower, {
        urlOf,
        fetch: (url, init) => {
          if (init.body !== undefined) said.push(init.body);
          return fetch(url, init);
        },
      }),
    },
  );
  await using _served = forwardToLeader(leader, { double: (value: number) => value * 2 }, { forwarder });
  const statuses = new Set<string>();
  let answered = 0;
  const ask = async (value: number): Promise<void> => {
    if ((await asked.call('double', value)) !== value * 2) throw new Error('a wrong answer');
    answered += 1;
  };
  await ask(0);
  for (let at = 0; at < STRANGERS; at += AT_ONCE) {
    const strangers = Array.from({ length: AT_ONCE }, () => talk(port, hostile(random, said), random));
    const [, ...heard] = await Promise.all([ask(at), ...strangers]);
    for (const text of heard) statuses.add(/^HTTP\/1.1 (\d{3})/u.exec(text)?.[1] ?? 'none');
  }
  await ask(STRANGERS);
  server.close();
  server.closeAllConnections();
  await leader.stop();
  return { attempts: STRANGERS, answered, lines, statuses };
}

/** A node that knows of the leader, and isn't it. */
function followerOf(leader: Cluster): Led & Parameters<typeof forwardToLeader>[0] {
  const { system, nodes, transport } = leader;
  const election = {
    leader: { nodeId: leader.self.id, token: 1n },
    leadership: undefined,
    watch: () => leader.election.watch(),
  } as unknown as LeaderElection;
  return { self: { ...leader.self, id: 'b' }, system, nodes, transport, election };
}

/** A request in other words than an honest node's. */
function hostile(random: Random, said: readonly Uint8Array[]): Uint8Array {
  const body = mutate(random, oneOf(random, said), oneOf(random, said));
  if (random.int(2) === 0) {
    const head = `POST ${FORWARD} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`;
    const request = joined([new TextEncoder().encode(head), body]);
    return random.int(3) === 0 ? mutate(random, request) : request;
  }
  const line = `${oneOf(random, METHODS)} ${oneOf(random, TARGETS)} HTTP/1.1\r\nHost: a\r\n`;
  const head = Buffer.from(`${line}${oneOf(random, HEADS)}\r\n\r\n`, 'latin1');
  const size = oneOf(random, [0, 3, 8, MAX_BODY_BYTES + 1]);
  return joined([head, random.int(2) === 0 ? body : random.bytes(size)]);
}

/** Says it, at once or byte by byte, and hangs up: politely once it was answered, or without waiting. */
async function talk(port: number, bytes: Uint8Array, random: Random): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let heard = '';
  socket.on('error', () => undefined);
  socket.on('data', (data) => (heard += String(data)));
  const [manner, trickles] = [random.int(3), random.int(4) === 0];
  await new Promise((resolve) => socket.once('connect', resolve));
  for (const piece of trickles ? bytes.subarray(0, 300).map((byte) => byte) : []) {
    if (socket.destroyed) break;
    socket.write(Uint8Array.of(piece));
    await new Promise((resolve) => void setImmediate(resolve));
  }
  if (!trickles) socket.write(bytes);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  if (socket.destroyed) return heard;
  if (manner === 0) socket.resetAndDestroy();
  else socket.end();
  await closed;
  return heard;
}
