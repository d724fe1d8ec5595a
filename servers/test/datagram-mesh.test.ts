import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DatagramMesh } from '../src/datagram-mesh.ts';
import { ProxyMesh } from '../src/proxy-mesh.ts';

const HOST = '127.0.0.1';

let sockets: Map<string, Socket>;
let links: ProxyMesh;
let mesh: DatagramMesh;

beforeEach(async () => {
  sockets = new Map();
  for (const id of ['a', 'b', 'c']) {
    const socket = createSocket('udp4').bind(0, HOST);
    await once(socket, 'listening');
    sockets.set(id, socket);
  }
  const targets = new Map([...sockets].map(([id, socket]) => [id, socket.address().port]));
  links = await ProxyMesh.create(targets);
  mesh = await DatagramMesh.create(targets, links);
});

afterEach(async () => {
  await mesh[Symbol.asyncDispose]();
  await links[Symbol.asyncDispose]();
  for (const socket of sockets.values()) socket.close();
});

function portOf(id: string): number {
  return sockets.get(id)!.address().port;
}

function relay(from: string, to: string): number {
  return links.routesOf(from).get(portOf(to))!;
}

function send(from: string, to: string, text: string): void {
  sockets.get(from)!.send(text, relay(from, to), HOST);
}

async function next(id: string): Promise<readonly [string, number]> {
  const [payload, { port }] = (await once(sockets.get(id)!, 'message')) as [Buffer, { port: number }];
  return [payload.toString(), port];
}

it('passes a datagram on, from the port to which its receiver answers', async () => {
  send('a', 'b', 'ping');
  expect(await next('b')).toEqual(['ping', relay('b', 'a')]);
  send('b', 'a', 'pong');
  expect(await next('a')).toEqual(['pong', relay('a', 'b')]);
});

it.each(['cut', 'black-hole'] as const)('loses what a %s is in the way of, in that direction only', async (type) => {
  links.set('a', 'b', { type });
  const heard: string[] = [];
  sockets.get('b')!.on('message', (payload) => heard.push(payload.toString()));
  send('a', 'b', 'lost');
  send('b', 'a', 'back');
  expect(await next('a')).toEqual(['back', relay('a', 'b')]);
  links.healAll();
  send('a', 'b', 'after');
  await next('b');
  expect(heard).toEqual(['after']);
});

it('takes datagrams of the process only that the relay is for', async () => {
  sockets.get('c')!.send('forged', relay('a', 'b'), HOST);
  send('c', 'b', 'own');
  send('a', 'b', 'true');
  const heard = [(await next('b'))[0], (await next('b'))[0]];
  expect(heard.toSorted()).toEqual(['own', 'true']);
});
