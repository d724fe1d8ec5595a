import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProxyMesh } from '../src/proxy-mesh.ts';

const HOST = '127.0.0.1';

/** What arrives on a socket, to be waited for. */
class Inbox {
  readonly socket: Socket;
  #bytes = Buffer.alloc(0);
  ended = false;
  closed = false;
  readonly #waiting = new Set<() => void>();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => this.#change(() => (this.#bytes = Buffer.concat([this.#bytes, chunk]))));
    socket.on('end', () => this.#change(() => (this.ended = true)));
    socket.on('close', () => this.#change(() => (this.closed = true)));
    socket.on('error', () => undefined);
  }

  get text(): string {
    return this.#bytes.toString('latin1');
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => void this.#waiting.add(resolve));
  }

  #change(change: () => void): void {
    change();
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

let mesh: ProxyMesh;
let servers: Map<string, Server>;
/** The newest connection that each accepted. */
const accepted = new Map<string, Promise<Inbox>>();

beforeEach(async () => {
  servers = new Map();
  for (const id of ['a', 'b', 'c']) {
    const server = createServer({ allowHalfOpen: true }).listen(0, HOST);
    await once(server, 'listening');
    servers.set(id, server);
    expectConnection(id);
  }
  mesh = await ProxyMesh.create(new Map([...servers.keys()].map((id) => [id, portOf(id)])));
});

afterEach(async () => {
  await mesh[Symbol.asyncDispose]();
  for (const server of servers.values()) server.close();
});

function portOf(id: string): number {
  return (servers.get(id)!.address() as AddressInfo).port;
}

function expectConnection(id: string): void {
  const connection = once(servers.get(id)!, 'connection').then(([socket]) => new Inbox(socket as Socket));
  accepted.set(id, connection);
}

function dial(from: string, to: string): Inbox {
  return new Inbox(connect({ port: mesh.routesOf(from).get(portOf(to)) ?? 0, host: HOST, allowHalfOpen: true }));
}

async function dialled(from: string, to: string): Promise<readonly [Inbox, Inbox]> {
  expectConnection(to);
  const dialler = dial(from, to);
  return [dialler, await accepted.get(to)!];
}

/** What the network had in its queues has arrived when this many trips over another link are through. */
async function othersTalk(): Promise<void> {
  const [left, right] = await dialled('b', 'c');
  for (let trip = 1; trip <= 50; trip += 1) {
    left.socket.write('x');
    await right.until(() => right.text.length === trip);
    right.socket.write('y');
    await left.until(() => left.text.length === trip);
  }
}

describe('an open link', () => {
  it('passes bytes both ways, and the end of either', async () => {
    const [a, b] = await dialled('a', 'b');
    a.socket.end('question');
    await b.until(() => b.ended);
    b.socket.end('answer');
    await a.until(() => a.ended);
    expect([b.text, a.text]).toEqual(['question', 'answer']);
  });

  it('passes more than it holds to one who reads late', async () => {
    const [a, b] = await dialled('a', 'b');
    const text = Array.from({ length: 1_000_000 }, (_, at) => String(at)).join(' ');
    b.socket.pause();
    a.socket.end(text);
    await othersTalk();
    b.socket.resume();
    await b.until(() => b.ended);
    expect(b.text === text).toBe(true);
  });

  it('passes on that a process has died', async () => {
    const [a, b] = await dialled('a', 'b');
    b.socket.resetAndDestroy();
    await a.until(() => a.closed);
    expect(a.ended).toBe(false);
  });
});

describe('a cut link', () => {
  it.each([
    ['a', 'b'],
    ['b', 'a'],
  ])('from %s to %s resets connections and new ones, until it is healed', async (from, to) => {
    const [a, b] = await dialled('a', 'b');
    mesh.set(from, to, { type: 'cut' });
    await Promise.all([a.until(() => a.closed), b.until(() => b.closed)]);
    const refused = dial('a', 'b');
    await refused.until(() => refused.closed);
    mesh.healAll();
    const [again, peer] = await dialled('a', 'b');
    again.socket.write('hello');
    await peer.until(() => peer.text === 'hello');
  });

  it('leaves other pairs alone', async () => {
    mesh.set('a', 'b', { type: 'cut' });
    await othersTalk();
  });
});

describe('a black hole', () => {
  it('holds one direction only, and lets all of it through when healed', async () => {
    const [a, b] = await dialled('a', 'b');
    mesh.set('a', 'b', { type: 'black-hole' });
    a.socket.end('held');
    b.socket.write('passed');
    await a.until(() => a.text === 'passed');
    await othersTalk();
    expect([b.text, b.ended]).toEqual(['', false]);
    mesh.healAll();
    await b.until(() => b.ended);
    expect(b.text).toBe('held');
  });

  it('hides the death of a process, until it is healed', async () => {
    const [a, b] = await dialled('a', 'b');
    mesh.set('b', 'a', { type: 'black-hole' });
    b.socket.resetAndDestroy();
    await othersTalk();
    expect(a.closed).toBe(false);
    mesh.healAll();
    await a.until(() => a.closed);
  });

  it('lets nobody dial through it', async () => {
    mesh.set('a', 'b', { type: 'black-hole' });
    expectConnection('b');
    const a = dial('a', 'b');
    a.socket.write('hello');
    await othersTalkPast('b');
    mesh.healAll();
    const b = await accepted.get('b')!;
    await b.until(() => b.text === 'hello');
  });
});

/** Nothing is accepted there while others talk. */
async function othersTalkPast(id: string): Promise<void> {
  const talked = othersTalk().then(() => 'others talked');
  expect(await Promise.race([accepted.get(id)!.then(() => 'accepted'), talked])).toBe('others talked');
}

it('a delayed link passes bytes later, in order', async () => {
  const [a, b] = await dialled('a', 'b');
  mesh.set('a', 'b', { type: 'delayed', ms: 60 });
  const sentAt = performance.now();
  for (const letter of 'abcdef') a.socket.write(letter);
  await b.until(() => b.text.length === 6);
  // Timers of Node may fire up to a millisecond early.
  expect(performance.now() - sentAt).toBeGreaterThanOrEqual(58);
  expect(b.text).toBe('abcdef');
});
