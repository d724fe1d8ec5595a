import type { DatagramSocket, Net } from '@quorate/core';
import { expect, it } from 'vitest';

import { GroupSocket } from '../src/group-socket.ts';

const WHERE = { group: '239.255.81.82', port: 45_981, interface: undefined, ttl: 1 };

/** A network whose sockets open and close when the test says so. */
function slowNet() {
  const sockets: { open: () => void; close: () => void; isOpen: boolean }[] = [];
  const bindDatagram = (): Promise<DatagramSocket> =>
    new Promise((resolve) => {
      const closing = Promise.withResolvers<void>();
      const here = { open: () => undefined as void, close: closing.resolve, isOpen: true };
      const dispose = async () => {
        await closing.promise;
        here.isOpen = false;
      };
      const socket = { send: () => undefined, [Symbol.asyncDispose]: dispose } as unknown as DatagramSocket;
      here.open = () => resolve(socket);
      sockets.push(here);
    });
  return { sockets, net: { bindDatagram } as unknown as Net };
}

it('opens nothing after it was disposed, and waits for what is being closed', async () => {
  const { sockets, net } = slowNet();
  const socket = new GroupSocket(net, WHERE, () => undefined);
  const opening = socket.open();
  sockets[0]?.open();
  await opening;
  const reopening = socket.reopen();
  const disposing = socket[Symbol.asyncDispose]().then(() => sockets[0]?.isOpen);
  await Promise.resolve();
  sockets[0]?.close();
  expect(await disposing).toBe(false);
  await expect(reopening).rejects.toMatchObject({ code: 'CLOSED' });
  expect(sockets).toHaveLength(1);
});

it('closes what was opened too late', async () => {
  const { sockets, net } = slowNet();
  const socket = new GroupSocket(net, WHERE, () => undefined);
  const opening = socket.open();
  await socket[Symbol.asyncDispose]();
  sockets[0]?.open();
  sockets[0]?.close();
  await expect(opening).rejects.toMatchObject({ code: 'CLOSED' });
  expect(sockets[0]?.isOpen).toBe(false);
});
