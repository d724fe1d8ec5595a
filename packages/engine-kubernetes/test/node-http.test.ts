import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { isClusterError } from '@quorate/core';
import { expect, it } from 'vitest';
import { NodeHttp } from '../src/node/https.ts';

it('what is wrong with a body that comes with its head is told to who reads it, and ends nobody', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n'));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await using http = new NodeHttp({
    access: () => Promise.resolve({ server: origin }),
    namespace: () => Promise.resolve(undefined),
  });
  // Without a signal, which would listen for errors of its own.
  const { body } = await http.send({ method: 'GET', path: '/' });
  const read = body[Symbol.asyncIterator]().next();
  await expect(read).rejects.toSatisfy((error) => isClusterError(error, 'DISCONNECTED'));
  server.close();
});
