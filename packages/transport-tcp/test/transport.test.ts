import { type Address, ClusterError, createCluster, isClusterError, type Net } from '@quorate/core';
import { describe, expect, it } from 'vitest';

import { tcpTransport } from '../src/index.ts';
import { bytes, connectedPair, isConnected, makeNode, realSystem, startNode, text, until } from './harness.ts';

const KIND = 1024;

describe('tcpTransport over the real network', () => {
  it('connects, and both sides see it', async () => {
    await using pair = await connectedPair();
    const { a, b } = pair;
    expect(a.transport.peers.map(({ node, state }) => [node.id, state])).toEqual([['b', 'connected']]);
    expect(b.transport.peers.map(({ node, state }) => [node.id, state])).toEqual([['a', 'connected']]);
    expect(a.transport.peer('b')?.node).toEqual(b.transport.self);
  });

  it('keeps one connection when both dial at once', async () => {
    for (let round = 0; round < 20; round += 1) {
      const a = await startNode({ id: 'a' });
      const b = await startNode({ id: 'b' });
      a.transport.addContact(b.address);
      b.transport.addContact(a.address);
      await until(() => isConnected(a, 'b') && isConnected(b, 'a'));
      expect(await a.transport.request('b', 1, bytes('x')).catch((error) => error.code)).toBe('UNSUPPORTED');
      expect(await b.transport.request('a', 1, bytes('x')).catch((error) => error.code)).toBe('UNSUPPORTED');
      const kinds = (node: typeof a) => node.events.map(({ type }) => type);
      await until(() => kinds(a).length > 0 && kinds(b).length > 0);
      expect([kinds(a), kinds(b)]).toEqual([['connected'], ['connected']]);
      await Promise.all([a[Symbol.asyncDispose](), b[Symbol.asyncDispose]()]);
    }
  });

  it('delivers messages in order', async () => {
    await using pair = await connectedPair();
    const got: string[] = [];
    pair.b.transport.onMessage(KIND, (from, payload) => got.push(`${from}:${text(payload)}`));
    const sent = Array.from({ length: 1000 }, (_, index) => `${index}`);
    for (const each of sent) expect(pair.a.transport.send('b', KIND, bytes(each))).toBe(true);
    await until(() => got.length === sent.length);
    expect(got).toEqual(sent.map((each) => `a:${each}`));
  });

  it('answers requests', async () => {
    await using pair = await connectedPair();
    const { a, b } = pair;
    b.transport.onRequest(KIND, (from, payload) => bytes(`${from} said ${text(payload)}`));
    b.transport.onRequest(KIND + 1, async () => {
      throw new ClusterError('NOT_LEADER', 'ask c', { leader: { nodeId: 'c' } });
    });
    b.transport.onRequest(KIND + 2, () => {
      throw new TypeError('oh');
    });
    expect(text(await a.transport.request('b', KIND, bytes('hello')))).toBe('a said hello');
    const refused = await a.transport.request('b', KIND + 1, bytes('')).catch((error: unknown) => error);
    expect(isClusterError(refused, 'NOT_LEADER') && refused.leader).toEqual({ nodeId: 'c', address: undefined });
    expect(await codeOf(a.transport.request('b', KIND + 2, bytes('')))).toBe('REMOTE');
    expect(await codeOf(a.transport.request('b', KIND + 3, bytes('')))).toBe('UNSUPPORTED');
    expect(await codeOf(a.transport.request('z', KIND, bytes('')))).toBe('DISCONNECTED');
    expect(await codeOf(a.transport.request('b', KIND, new Uint8Array(1024 * 1024)))).toBe('OVERLOADED');
    b.transport.onRequest(KIND + 4, () => new Uint8Array(1024 * 1024));
    expect(await codeOf(a.transport.request('b', KIND + 4, bytes('')))).toBe('OVERLOADED');
  });

  it('tells the handler when the caller gives up', async () => {
    await using pair = await connectedPair();
    const reasons: unknown[] = [];
    let begun = 0;
    pair.b.transport.onRequest(KIND, (_, __, { signal }) => {
      begun += 1;
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reasons.push(signal.reason.code);
          reject(signal.reason as Error);
        });
      });
    });
    const controller = new AbortController();
    const aborted = codeOf(pair.a.transport.request('b', KIND, bytes(''), { signal: controller.signal }));
    await until(() => begun === 1);
    controller.abort();
    expect(await aborted).toBe('ABORTED');
    expect(await codeOf(pair.a.transport.request('b', KIND, bytes(''), { timeoutMs: 5 }))).toBe('TIMEOUT');
    await until(() => reasons.length === 2);
    expect(reasons).toEqual(['ABORTED', 'ABORTED']);
  });

  it('bounds the requests in flight on both sides', async () => {
    await using pair = await connectedPair({ maxRequests: 2 });
    let release: (answer: Uint8Array) => void = () => undefined;
    const answer = new Promise<Uint8Array>((resolve) => (release = resolve));
    pair.b.transport.onRequest(KIND, () => answer);
    const first = [1, 2].map(() => pair.a.transport.request('b', KIND, bytes('')));
    expect(await codeOf(pair.a.transport.request('b', KIND, bytes('')))).toBe('OVERLOADED');
    release(bytes('ok'));
    expect((await Promise.all(first)).map(text)).toEqual(['ok', 'ok']);
  });

  it('refuses messages beyond the queue, reports it, and recovers', async () => {
    const warnings: string[] = [];
    const logger = {
      debug: ignore,
      info: ignore,
      error: ignore,
      warn: (message: string) => void warnings.push(message),
    };
    await using a = await startNode({ id: 'a', logger, transport: { maxQueueBytes: 256 * 1024 } });
    await using b = await startNode({ id: 'b' });
    a.transport.addContact(b.address);
    await until(() => isConnected(a, 'b'));
    let got = 0;
    b.transport.onMessage(KIND, () => (got += 1));
    const message = new Uint8Array(10_000);
    let sent = 0;
    while (sent < 1000 && a.transport.send('b', KIND, message)) sent += 1;
    expect(sent).toBeLessThan(30);
    expect(a.transport.send('b', KIND, message)).toBe(false);
    expect(warnings.filter((each) => each.includes('queue for b is full'))).toHaveLength(1);
    await until(() => got === sent);
    await until(() => a.transport.send('b', KIND, message));
    expect(a.transport.send('nobody', KIND, message)).toBe(false);
  });

  it('survives handlers that throw', async () => {
    await using pair = await connectedPair();
    let got = 0;
    pair.b.transport.onMessage(KIND, () => {
      got += 1;
      throw new Error('handler');
    });
    pair.a.transport.send('b', KIND, bytes('1'));
    pair.a.transport.send('b', KIND, bytes('2'));
    await until(() => got === 2);
    expect(isConnected(pair.a, 'b')).toBe(true);
  });

  it('says goodbye, and is dialled again when it comes back', async () => {
    await using a = await startNode({ id: 'a', transport: { reconnect: { minMs: 1, maxMs: 5 } } });
    const b = await startNode({ id: 'b', incarnation: 1 });
    const address = b.address;
    a.transport.addContact(address);
    await until(() => isConnected(a, 'b') && isConnected(b, 'a'));
    const pending = codeOf(a.transport.request('b', KIND, bytes('')));
    await b[Symbol.asyncDispose]();
    expect(['UNSUPPORTED', 'DISCONNECTED']).toContain(await pending);
    await until(() => a.events.some((event) => event.type === 'disconnected' && event.reason === 'goodbye'));
    await until(() => a.events.some((event) => event.type === 'unreachable'));
    await using again = await startNode({ id: 'b', port: address.port, incarnation: 2 });
    await until(() => isConnected(a, 'b'));
    expect(a.transport.peer('b')?.incarnation).toBe(2);
    expect(isConnected(again, 'a') || again.transport.peers.length === 0).toBe(true);
  });

  it('leaves its own address and aliases of it alone', async () => {
    await using a = await startNode({ id: 'a' });
    await using b = await startNode({ id: 'b' });
    a.transport.addContact(a.address);
    a.transport.addContact({ host: 'localhost', port: a.address.port });
    a.transport.addContact(b.address);
    await until(() => isConnected(a, 'b'));
    expect(a.events.filter(({ type }) => type === 'refused' || type === 'unreachable')).toEqual([]);
    expect(a.transport.peers).toHaveLength(1);
  });

  it('tries a name that has led to itself again: others may have it too', async () => {
    await using b = await startNode({ id: 'b' });
    const name = { host: 'seed.test', port: 7946 };
    const own: Address[] = [];
    let asked = 0;
    const connect: Net['connect'] = (address, ...given) => {
      if (address.host !== name.host) return realSystem.net.connect(address, ...given);
      asked += 1;
      return realSystem.net.connect(asked <= 3 ? own[0]! : b.address, ...given);
    };
    const listen: Net['listen'] = (...given) => realSystem.net.listen(...given);
    const system = { ...realSystem, net: { ...realSystem.net, connect, listen } };
    await using a = await startNode({ id: 'a', system, transport: { reconnect: { minMs: 1, maxMs: 5 } } });
    own.push(a.address);
    a.transport.addContact(name);
    await until(() => isConnected(a, 'b'));
    expect(asked).toBe(4);
    expect(a.events.map(({ type }) => type)).toEqual(['connected']);
  });

  it.each([
    ['another cluster', { id: 'b', cluster: 'other' }, 'CLUSTER_MISMATCH'],
    ['another cluster of the same name', { id: 'b', clusterId: 'two' }, 'CLUSTER_MISMATCH'],
    ['a second node with this id', { id: 'a' }, 'DUPLICATE_NODE_ID'],
  ] as const)('refuses %s, clearly on both sides', async (_, options, code) => {
    await using a = await startNode({ id: 'a', clusterId: 'one' });
    await using b = await startNode(options);
    b.transport.addContact(a.address);
    const seen = (node: typeof a, type: string) =>
      node.events.some((event) => event.type === type && 'error' in event && event.error.code === code);
    await until(() => seen(a, 'refused') && seen(b, 'unreachable'));
    expect([...a.transport.peers, ...b.transport.peers]).toEqual([]);
  });

  it('refuses a second node under the id of a connected one', async () => {
    await using pair = await connectedPair({ heartbeat: { intervalMs: 20, timeoutMs: 1000 } });
    await using other = await startNode({ id: 'b' });
    other.transport.addContact(pair.a.address);
    const refused = (event: { type: string; error?: ClusterError }) => event.error?.code === 'DUPLICATE_NODE_ID';
    await until(() => other.events.some(refused) && pair.a.events.some(refused));
    expect(isConnected(pair.a, 'b')).toBe(true);
    expect(pair.a.transport.peer('b')?.node.port).toBe(pair.b.address.port);
  });

  it('spreads the id of the cluster, also to those met before', async () => {
    await using a = await startNode({ id: 'a' });
    await using b = await startNode({ id: 'b' });
    await using c = await startNode({ id: 'c', clusterId: 'the-id' });
    a.transport.addContact(b.address);
    await until(() => isConnected(b, 'a'));
    b.transport.addContact(c.address);
    await until(() => a.clusterId === 'the-id' && b.clusterId === 'the-id');
  });

  it('shows each frame when asked to', async () => {
    const lines: string[] = [];
    const logger = { debug: (line: string) => void lines.push(line), info: ignore, warn: ignore, error: ignore };
    await using a = await startNode({ id: 'a', logger, debug: ['wire'] });
    await using b = await startNode({ id: 'b' });
    a.transport.addContact(b.address);
    await until(() => isConnected(a, 'b'));
    a.transport.send('b', KIND, bytes('hi'));
    expect(lines.some((line) => line.includes('{"type":"HELLO"'))).toBe(true);
    expect(lines.at(-1)).toBe('wire > b {"type":"MESSAGE","kind":1024,"payload":{"bytes":2,"text":"hi"}}');
  });

  it('binds only loopback unless told otherwise', () => {
    expect(() => makeNode({ id: 'a', host: '0.0.0.0' })).toThrow(/insecure: true/u);
    const options = { nodeId: 'a', bind: '0.0.0.0:0', advertise: 'a:1' };
    expect(() => createCluster({ ...options, transport: tcpTransport() })).toThrow(/bind must be .* 0\.0\.0\.0:0/u);
    expect(() => createCluster({ ...options, insecure: true, transport: tcpTransport() })).not.toThrow();
    expect(() => makeNode({ id: 'a', host: '0.0.0.0', insecure: true })).not.toThrow();
    expect(() => makeNode({ id: 'a', transport: { maxFrameBytes: 1 } })).toThrow(/maxFrameBytes/u);
    expect(() => makeNode({ id: 'a', transport: { heartbeat: { timeoutMs: 10 } } })).toThrow(/heartbeat.timeoutMs/u);
  });

  it('is closed once disposed', async () => {
    const a = await startNode({ id: 'a' });
    await a[Symbol.asyncDispose]();
    await a[Symbol.asyncDispose]();
    expect(a.transport.send('b', KIND, bytes(''))).toBe(false);
    expect(await codeOf(a.transport.request('b', KIND, bytes('')))).toBe('CLOSED');
    expect(await codeOf(a.transport.openStream('b', KIND))).toBe('CLOSED');
    expect(await codeOf(a.transport.start())).toBe('CLOSED');
  });
});

async function codeOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return isClusterError(error) ? error.code : `no ClusterError: ${String(error)}`;
}

function ignore(): void {
  // Nothing.
}
